#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// What becomes of tokens that stand for no text, such as those that start, end, pad or separate texts.
enum class SpecialTokens { skip, keep };

struct TextDecoding {
  SpecialTokens special_tokens = SpecialTokens::skip;  ///< Kept ones appear as they are written.
};

/// Text from ids that come one by one, as a language model writes them. Belongs to one text and one thread;
/// the tokenizer that made it must outlive it.
///
/// Everything that push() and finish() return is valid UTF-8, and joined it is what Tokenizer::decode() makes
/// of all the ids. What a later id may still change is held back: a part of a character, or a space that
/// belongs to the text only if more follows.
class TextStream {
 public:
  virtual ~TextStream() = default;

  /// Takes the next id and returns the text that has become certain; often none. Ids that no token has are
  /// passed over: models pad their vocabularies. Throws Error(limit) where the steps of a tokenizer's file
  /// make far longer text of the tokens.
  virtual std::string push(std::int32_t id) = 0;

  /// Returns what was held back; a part of a character has become U+FFFD. Nothing is pushed after it.
  virtual std::string finish() = 0;
};

/// Which ids encode() drops from a text that is too long.
enum class TruncationSide { left, right };

/// Turns text into the token ids a text tower was trained on, and ids into text. Const and thread-safe after
/// loading.
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

  /// The text of `ids`, as the reference decodes them: spaces that encoding put before the text or between
  /// words are taken back, and clean_up_tokenization_spaces is done where tokenizer_config.json asks for it.
  /// Always valid UTF-8; bytes that are no character become U+FFFD. Encoding and decoding gives the same text
  /// again, but for what the tokenizer normalizes away and characters it does not know.
  ///
  /// Ids that no token has are passed over. Throws Error(limit) as TextStream::push() does.
  std::string decode(std::span<const std::int32_t> ids, const TextDecoding& options = {}) const;

  /// The same, id by id.
  virtual std::unique_ptr<TextStream> start_decoding(const TextDecoding& options = {}) const = 0;

  /// The id that fills a text up to the context length where a model wants it filled.
  virtual std::int32_t pad_id() const = 0;

  virtual std::size_t vocabulary_size() const = 0;

  /// The longest result of encode(), in tokens; 0 means no limit is known.
  std::size_t context_length() const { return context_length_; }
  void set_context_length(std::size_t tokens) { context_length_ = tokens; }

  /// Where encode() cuts; the frame of start and end tokens stays.
  void set_truncation_side(TruncationSide side) { truncation_side_ = side; }

  /// How many ids at the start of every text are start tokens.
  virtual std::size_t start_tokens() const { return 0; }

  /// How many ids at the end of every text encode() keeps when it cuts: 1 for an end token, 0 without one.
  virtual std::size_t end_tokens() const { return 1; }

 private:
  std::size_t context_length_ = 0;
  TruncationSide truncation_side_ = TruncationSide::right;
};

/// Reads the tokenizer of a checkpoint folder: `tokenizer.json`, `vocab.json` + `merges.txt`,
/// `vocab.txt`, `spiece.model`, `tokenizer.model`, `sentencepiece.bpe.model`, or `source.spm` + `target.spm`
/// + `vocab.json`, with the settings of `tokenizer_config.json`. A folder with `open_clip_config.json` gets
/// OpenCLIP's cleaning (ftfy, HTML entities) and zero padding.
///
/// Throws Error: not_found (no tokenizer files), corrupt, or unsupported (a kind or setting this version
/// does not have; the message names it).
std::shared_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

}  // namespace beeld
