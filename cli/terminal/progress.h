#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/terminal/output.h"

namespace beeld::cli {

/// A line on stderr with a bar, the rate and the time that remains, redrawn at most ten times a second.
/// Shown only where Output::shows_progress(); wiped at the end of the scope.
class Progress {
 public:
  /// What is counted decides how numbers are written.
  enum class Unit { items, bytes };

  Progress(const Output& output, std::string what, Unit unit = Unit::items);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `total` 0 means unknown.
  void show(std::uint64_t done, std::uint64_t total);

  /// Starts counting anew under another name.
  void restart(const std::string& what);

  /// Goes on counting under another name.
  void rename(const std::string& what) { what_ = what; }

  /// Wipes the line, so that messages can follow.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::string line(std::uint64_t done, std::uint64_t total) const;

  bool visible_;
  bool drawn_ = false;
  std::string what_;
  Unit unit_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
  std::uint64_t first_ = 0;  ///< Done before this process began: resumed downloads.
};

}  // namespace beeld::cli
