#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace beeld {

/// Whether the normalizer puts a space before the text.
enum class DummyPrefix { as_file, never };

/// A SentencePiece model file, read by the library of that name. Const and thread-safe.
class SentencePieceModel {
 public:
  /// Throws Error: not_found, io, limit, or corrupt.
  SentencePieceModel(const std::filesystem::path& file, DummyPrefix dummy_prefix);
  ~SentencePieceModel();

  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The id of a piece, of whatever kind; -1 where there is none.
  std::int32_t find(std::string_view piece) const;

  /// The text of the piece with this id, below size().
  const std::string& piece(std::int32_t id) const;

  std::size_t size() const;

 private:
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::string name_;
};

}  // namespace beeld
