#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// Turns text into the token ids a text tower was trained on. Const and thread-safe after loading.
///
/// Any byte string is accepted: invalid UTF-8 is replaced by U+FFFD.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Ids with the model's start and end tokens, cut to context_length() with the end token kept last.
  /// Not padded.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// Ids with start and end tokens, of any length.
  virtual std::vector<std::int32_t> encode_full(std::string_view text) const = 0;

  /// The id that fills a text up to the context length where a model wants it filled.
  virtual std::int32_t pad_id() const = 0;

  virtual std::size_t vocabulary_size() const = 0;

  /// The longest result of encode(), in tokens; 0 means no limit is known.
  std::size_t context_length() const { return context_length_; }
  void set_context_length(std::size_t tokens) { context_length_ = tokens; }

  /// How many ids at the end of every text encode() keeps when it cuts: 1 for an end token, 0 without one.
  virtual std::size_t end_tokens() const { return 1; }

 private:
  std::size_t context_length_ = 0;
};

/// Reads the tokenizer of a checkpoint folder: `tokenizer.json`, `vocab.json` + `merges.txt`,
/// `vocab.txt`, `spiece.model` or `tokenizer.model`, with the settings of `tokenizer_config.json`.
/// A folder with `open_clip_config.json` gets OpenCLIP's cleaning (ftfy, HTML entities) and zero padding.
///
/// Throws Error: not_found (no tokenizer files), corrupt, or unsupported (a kind or setting this version
/// does not have; the message names it).
std::shared_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

}  // namespace beeld
