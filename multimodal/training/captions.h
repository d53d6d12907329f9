#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace beeld {

/// What a sample's shard says about it in words.
struct SampleWords {
  std::vector<std::string> captions;
  std::optional<std::int64_t> label;
};

/// Chooses the sentence that a picture is learned with. Without a class file that is one of its captions;
/// with one, a picture that has a class gets a template filled with one of the names of the class.
class CaptionChoice {
 public:
  /// No templates stand for "{}". Throws Error: invalid_argument (a template without {}), and as
  /// read_class_names.
  CaptionChoice(const std::filesystem::path& classes, std::vector<std::string> templates);

  /// What the sample lacks to have a sentence, or nullptr.
  const char* lack(const SampleWords& words) const;

  /// A sentence for a sample that lacks nothing.
  std::string choose(const SampleWords& words, Random& random) const;

 private:
  std::vector<std::vector<std::string>> synonyms_;  ///< [class]; empty without a class file.
  std::vector<std::string> templates_;
};

}  // namespace beeld
