#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace beeld {

inline constexpr const char* modules_file = "modules.json";

/// One step of a sentence-transformers model.
struct SentenceModule {
  std::string kind;              ///< "Transformer", "Pooling": the last part of its Python name
  std::filesystem::path folder;  ///< where its files lie
};

/// The steps that `modules.json` lists, in order; none without that file. Throws Error: corrupt (another
/// form, or a folder outside this one), limit or io.
std::vector<SentenceModule> read_sentence_modules(const std::filesystem::path& root);

}  // namespace beeld
