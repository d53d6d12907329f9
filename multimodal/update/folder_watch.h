#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace beeld {

/// Notices what changes in and below folders, by inotify: pictures that are written, renamed, moved or
/// removed, and folders.
class FolderWatch {
 public:
  /// Throws Error: not_found, io, or limit (more folders than the system lets a user watch).
  explicit FolderWatch(const std::vector<std::filesystem::path>& folders);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  /// Waits until something has changed and nothing more did for `quiet`, or for ten times as long where
  /// changes never end. The folders in which it did, none below another; none where `cancelled` became true,
  /// which is asked many times a second.
  std::vector<std::filesystem::path> wait(std::chrono::milliseconds quiet,
                                          const std::function<bool()>& cancelled);

  /// Whether a file has been begun and is still being written.
  bool is_being_written(const std::filesystem::path& file) const;

 private:
  bool read_events(std::chrono::milliseconds limit);
  void look_at(int descriptor, std::uint32_t mask, const std::string& name);
  void add(const std::string& folder);
  void forget(const std::string& folder);
  std::vector<std::filesystem::path> take_changed();

  int events_ = -1;
  std::vector<std::string> roots_;
  std::map<int, std::string> folders_;  // by watch descriptor
  std::map<std::string, int> descriptors_;
  std::set<std::string> changed_;  // folders
  std::map<std::string, std::chrono::steady_clock::time_point>
      written_;  // files under way, and the last write
};

}  // namespace beeld
