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

enum class PieceKind {
  text,     ///< It stands for its text.
  unknown,  ///< It stands for what the model has no piece for.
  control,  ///< It stands for no text.
  byte,     ///< `<0x00>` to `<0xFF>`
};

/// What the file says about turning pieces into text.
struct PieceJoining {
  bool dummy_prefix = true;                ///< Encoding puts a space before the text.
  bool remove_extra_whitespaces = true;    ///< Encoding leaves no space at the start of the text.
  std::string unknown = " \xE2\x81\x87 ";  ///< What the unknown piece looks like.
  bool has_denormalizer = false;           ///< The text would have to be changed in the end.
};

/// A SentencePiece model file, read by the library of that name. Const and thread-safe.
class SentencePieceModel {
 public:
  /// Throws Error: not_found, io, limit, or corrupt.
  SentencePieceModel(const std::filesystem::path& file, DummyPrefix dummy_prefix);
  ~SentencePieceModel();

  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The texts of the pieces, those of unknown characters among them.
  std::vector<std::string> encode_pieces(std::string_view text) const;

  /// The id of a piece, of whatever kind; -1 where there is none.
  std::int32_t find(std::string_view piece) const;

  /// The text of the piece with this id, below size().
  const std::string& piece(std::int32_t id) const;

  /// The kind of the piece with this id, below size().
  PieceKind kind(std::int32_t id) const;

  const PieceJoining& joining() const { return joining_; }

  std::size_t size() const;

  /// The file, for messages.
  const std::string& name() const { return name_; }

 private:
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::string name_;
  PieceJoining joining_;
};

}  // namespace beeld
