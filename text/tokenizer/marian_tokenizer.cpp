#include "text/tokenizer/marian_tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "text/subword/sentence_piece.h"
#include "text/tokenizer/text_stream.h"
#include "text/unicode/regex.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

Vocabulary read_vocabulary(const std::filesystem::path& file) {
  return Vocabulary::from_json(read_json(file), file.string());
}

class MarianTokenizer : public Tokenizer {
 public:
  MarianTokenizer(const std::filesystem::path& folder, const TokenizerConfig& config)
      : source_(folder / "source.spm", DummyPrefix::as_file),
        target_(folder / "target.spm", DummyPrefix::as_file),
        vocabulary_(read_vocabulary(folder / "vocab.json")),
        language_codes_(">>.+<<") {
    if (config.separate_vocabs) target_vocabulary_ = read_vocabulary(folder / "target_vocab.json");
    const auto id_of = [&](const char* role, const char* fallback) {
      return vocabulary_.require(config.special_text(role, fallback));
    };
    unknown_id_ = id_of("unk_token", "<unk>");
    end_id_ = id_of("eos_token", "</s>");
    pad_id_ = id_of("pad_token", "<pad>");
    std::vector<AddedToken> tokens;
    for (const auto& [id, token] : config.added_tokens) tokens.push_back(token);
    for (const auto& [role, fallback] :
         {std::pair{"unk_token", "<unk>"}, {"eos_token", "</s>"}, {"pad_token", "<pad>"}}) {
      const auto it = config.special.find(role);
      auto token = it == config.special.end() ? AddedToken{.content = fallback} : it->second;
      token.id = vocabulary_.require(token.content);
      const bool known = std::any_of(tokens.begin(), tokens.end(), [&](auto& t) { return t.id == token.id; });
      if (!known) tokens.push_back(std::move(token));
    }
    tokens_ = AddedTokens(std::move(tokens));
    decoder_.append(replace_in_text("\xE2\x96\x81", " "));
    decoder_.append(trim_text());
    if (config.clean_up_spaces.value_or(false)) decoder_.append(clean_up_spaces());
    set_context_length(config.context_length);
    set_truncation_side(config.truncation_side);
  }

  std::vector<std::int32_t> encode_full(std::string_view bytes) const override {
    const auto text = valid_utf8(bytes);
    std::vector<std::int32_t> ids;
    for (const auto& part : tokens_.split(text)) {
      if (part.token) {
        ids.push_back(part.token->id);
      } else {
        append_part(part.text, ids);
      }
    }
    ids.push_back(end_id_);
    return ids;
  }

  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override {
    const auto find = [this](std::int32_t id) { return token_text(id); };
    return stream_tokens(decoder_, find, options);
  }

  std::int32_t pad_id() const override { return pad_id_; }
  std::size_t vocabulary_size() const override { return vocabulary_.size(); }

 private:
  std::int32_t find(std::string_view piece) const {
    const auto id = vocabulary_.find(piece);
    return id == Vocabulary::none ? unknown_id_ : id;
  }

  /// As the reference, takes all that looks like a language's code out of the text and keeps one at its
  /// start.
  void append_part(std::string_view text, std::vector<std::int32_t>& ids) const {
    std::string rest;
    std::size_t done = 0;
    for (const auto& code : language_codes_.find_all(text)) {
      if (code.begin == 0) ids.push_back(find(text.substr(0, code.end)));
      rest += text.substr(done, code.begin - done);
      done = code.end;
    }
    rest += text.substr(done);
    append_pieces(rest, ids);
  }

  /// The library takes quadratic time for unknown characters in a row: long texts go to it in chunks.
  void append_pieces(std::string_view text, std::vector<std::int32_t>& ids) const {
    constexpr std::size_t longest = 16384;
    while (!text.empty()) {
      auto end = text.size() > longest ? text.rfind(' ', longest) : text.size();
      if (end == std::string_view::npos || end == 0) {
        end = longest;
        while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
      }
      for (const auto& piece : source_.encode_pieces(text.substr(0, end))) ids.push_back(find(piece));
      text.remove_prefix(end);
    }
  }

  std::optional<TokenText> token_text(std::int32_t id) const {
    if (const auto* token = tokens_.find(id)) return TokenText{token->content, token->special};
    const auto& vocabulary = target_vocabulary_.empty() ? vocabulary_ : target_vocabulary_;
    if (!vocabulary.has_id(id)) return std::nullopt;
    const auto piece = vocabulary.piece(id);
    const auto target_id = target_.find(piece);
    if (target_id >= 0 && target_.kind(target_id) == PieceKind::control) return TokenText{"", true};
    return TokenText{piece};
  }

  SentencePieceModel source_;
  SentencePieceModel target_;
  Vocabulary vocabulary_;
  Vocabulary target_vocabulary_;  ///< empty where vocabulary_ is that of both languages
  Regex language_codes_;
  std::int32_t unknown_id_ = 0;
  std::int32_t end_id_ = 0;
  std::int32_t pad_id_ = 0;
  AddedTokens tokens_;
  Decoder decoder_;
};

}  // namespace

std::unique_ptr<Tokenizer> read_marian_tokenizer(const std::filesystem::path& folder,
                                                 const TokenizerConfig& config) {
  return std::make_unique<MarianTokenizer>(folder, config);
}

}  // namespace beeld
