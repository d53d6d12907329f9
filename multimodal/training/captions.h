#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "multimodal/data/shards.h"

namespace beeld {

/// Chooses the sentence that an image is learned with. Without a class file that is one of its captions;
/// with one, an image that has a class gets a template filled with one of the names of the class.
class CaptionChoice {
 public:
  /// No templates stand for "{}". Throws Error: invalid_argument (a template without {}), and as
  /// read_class_names.
  CaptionChoice(const std::filesystem::path& classes, std::vector<std::string> templates);

  /// What the sample lacks to have a sentence, or nullptr.
  const char* lack(const Sample& sample) const;

  /// A sentence for a sample that lacks nothing.
  std::string choose(const Sample& sample, Random& random) const;

 private:
  std::vector<std::vector<std::string>> synonyms_;  ///< [class]; empty without a class file.
  std::vector<std::string> templates_;
};

}  // namespace beeld
