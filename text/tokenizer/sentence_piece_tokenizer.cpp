#include "text/tokenizer/sentence_piece_tokenizer.h"

#include <beeld/error.h>

#include <algorithm>
#include <set>

#include "text/tokenizer/text_stream.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::string_view meta_space = "\xE2\x96\x81";

struct PieceOptions {
  std::vector<AddedToken> tokens;
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
  bool end_once = false;  ///< A text that ends with the end token gets no other.
  bool lowercase = false;
  std::int32_t pad_id = 0;
  Decoder decoder = {};
};

std::set<std::string> names_of(const TokenizerConfig& config) {
  std::set<std::string> names = {"<s>", "</s>", "<unk>", "<pad>"};
  for (const auto& [role, token] : config.special) names.insert(token.content);
  for (const auto& token : config.additional) names.insert(token.content);
  for (int i = 0; i < config.extra_ids; ++i) names.insert("<extra_id_" + std::to_string(i) + ">");
  return names;
}

/// A SentencePiece model as transformers' slow tokenizers use it: tokens are cut out of the text, and the
/// model encodes each part between them. In a legacy tokenizer the model puts a space before every part; in
/// others one stands before the text alone.
class PieceTokenizer : public Tokenizer {
 public:
  PieceTokenizer(std::unique_ptr<const SentencePieceModel> model, const TokenizerConfig& config,
                 PieceOptions options)
      : model_(std::move(model)),
        legacy_(config.legacy),
        unknown_(config.special_text("unk_token", "<unk>")),
        options_(std::move(options)),
        tokens_(options_.tokens),
        named_(names_of(config)),
        meta_space_id_(model_->find(meta_space)),
        unknown_length_(model_->encode(unknown_).size()) {
    if (config.clean_up_spaces.value_or(false)) options_.decoder.append(clean_up_spaces());
    set_context_length(config.context_length);
    set_truncation_side(config.truncation_side);
  }

  std::vector<std::int32_t> encode_full(std::string_view bytes) const override {
    const auto text = valid_utf8(bytes);
    auto ids = options_.before;
    const auto words = legacy_ || text.empty() ? encode_parts(text) : encode_after_space(text);
    ids.insert(ids.end(), words.begin(), words.end());
    if (options_.end_once && !words.empty() && words.back() == options_.after.back()) return ids;
    ids.insert(ids.end(), options_.after.begin(), options_.after.end());
    return ids;
  }

  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override {
    return stream_pieces({*model_, tokens_, options_.decoder}, options);
  }

  std::int32_t pad_id() const override { return options_.pad_id; }
  std::size_t vocabulary_size() const override { return model_->size() + added_count(); }
  std::size_t start_tokens() const override { return options_.before.size(); }
  std::size_t end_tokens() const override { return options_.after.size(); }

 private:
  std::size_t added_count() const {
    const auto size = static_cast<std::int32_t>(model_->size());
    return static_cast<std::size_t>(
        std::count_if(options_.tokens.begin(), options_.tokens.end(), [&](auto& t) { return t.id >= size; }));
  }

  std::vector<std::int32_t> encode_parts(std::string_view text) const {
    std::vector<std::int32_t> ids;
    for (const auto& part : tokens_.split(text)) {
      if (part.token) {
        ids.push_back(part.token->id);
      } else {
        append_part(options_.lowercase ? lowercase(part.text) : std::string(part.text), ids);
      }
    }
    return ids;
  }

  /// The space is not kept where a token follows at once that the configuration names; as in the reference,
  /// one of added_tokens_decoder alone does not count.
  std::vector<std::int32_t> encode_after_space(std::string_view text) const {
    std::string spaced(meta_space);
    while (!text.empty()) {
      const auto end = std::min(text.find(meta_space), text.size());
      spaced += text.substr(0, end);
      if (end < text.size()) spaced += ' ';
      text.remove_prefix(std::min(end + meta_space.size(), text.size()));
    }
    auto ids = encode_parts(spaced);
    if (ids.size() > 1 && ids[0] == meta_space_id_) {
      const auto* second = tokens_.find(ids[1]);
      if (second && named_.contains(second->content)) ids.erase(ids.begin());
    }
    return ids;
  }

  /// The library takes quadratic time for unknown characters in a row, so that long texts go to it in chunks,
  /// cut where a word starts or, in a word of that length, anywhere. Models that keep all spaces have bytes
  /// for unknown characters and get the text whole.
  void append_part(std::string_view text, std::vector<std::int32_t>& ids) const {
    constexpr std::size_t longest = 16384;
    for (bool in_word = false; !text.empty();) {
      auto end = text.size();
      bool cuts_word = false;
      if (end > longest && model_->joining().remove_extra_whitespaces) {
        end = text.rfind(' ', longest);
        cuts_word = end == std::string_view::npos || end == 0;
        if (cuts_word) {
          end = longest;
          while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
        }
      }
      const auto pieces = encode_chunk(text.substr(0, end));
      const bool drops_first = in_word && !pieces.empty() && pieces[0] == meta_space_id_;
      ids.insert(ids.end(), pieces.begin() + (drops_first ? 1 : 0), pieces.end());
      text.remove_prefix(end);
      in_word = cuts_word;
    }
  }

  /// Where the model puts no space before the text it drops the one that is there, unless something stands
  /// before it.
  std::vector<std::int32_t> encode_chunk(std::string_view text) const {
    if (legacy_ || !(text.starts_with(meta_space) || text.starts_with(' '))) return model_->encode(text);
    auto ids = model_->encode(unknown_ + std::string(text));
    if (ids.size() >= unknown_length_) {
      ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(unknown_length_));
    }
    return ids;
  }

  std::unique_ptr<const SentencePieceModel> model_;
  bool legacy_;
  std::string unknown_;
  PieceOptions options_;
  AddedTokens tokens_;
  std::set<std::string> named_;
  std::int32_t meta_space_id_;
  std::size_t unknown_length_;
};

std::unique_ptr<const SentencePieceModel> read_model(const std::filesystem::path& file,
                                                     const TokenizerConfig& config) {
  const auto prefix = config.legacy ? DummyPrefix::as_file : DummyPrefix::never;
  return std::make_unique<SentencePieceModel>(file, prefix);
}

AddedToken role(const TokenizerConfig& config, const char* name, const char* fallback) {
  const auto it = config.special.find(name);
  return it == config.special.end() ? AddedToken{.content = fallback} : it->second;
}

std::int32_t id_of(const std::vector<AddedToken>& tokens, const std::string& content, std::int32_t fallback) {
  const auto it =
      std::find_if(tokens.begin(), tokens.end(), [&](auto& token) { return token.content == content; });
  return it == tokens.end() ? fallback : it->id;
}

/// Tokens that the configuration names, the model or added_tokens_decoder has, and `tokens` lacks.
void add_named(const SentencePieceModel& model, const TokenizerConfig& config,
               std::vector<AddedToken>& tokens) {
  const auto add = [&](AddedToken token) {
    token.id = model.find(token.content);
    if (token.id >= 0 && id_of(tokens, token.content, -1) < 0) tokens.push_back(std::move(token));
  };
  for (const auto& [name, token] : config.special) add(token);
  for (const auto& token : config.additional) add(token);
}

}  // namespace

namespace {

/// The ids of XLM-RoBERTa beside those of its file, in which `<unk>`, `<s>` and `</s>` are 0, 1 and 2: `<s>`
/// is 0,
/// `<pad>` 1, `</s>` 2, `<unk>` 3, then come all other pieces, and `<mask>`. In the file's numbers the two
/// tokens that it lacks come last.
class FairseqIds {
 public:
  explicit FairseqIds(std::size_t pieces) : pieces_(static_cast<std::int32_t>(pieces)) {}

  static constexpr std::int32_t unknown = 0, begin = 1, end = 2;
  std::int32_t pad() const { return pieces_; }
  std::int32_t mask() const { return pieces_ + 1; }

  std::int32_t outward(std::int32_t id) const {
    if (id == unknown) return 3;
    if (id == begin) return 0;
    if (id == end) return 2;
    if (id == pad()) return 1;
    return id == mask() ? mask() : id + 1;
  }

  std::int32_t inward(std::int32_t id) const {
    constexpr std::int32_t first[] = {begin, -1, end, unknown};
    if (id == 1) return pad();
    if (id >= 0 && id < 4) return first[id];
    return id < mask() ? id - 1 : id;
  }

 private:
  std::int32_t pieces_;
};

/// A tokenizer in the file's numbers, seen in those of the model.
class FairseqTokenizer : public Tokenizer {
 public:
  FairseqTokenizer(std::unique_ptr<Tokenizer> inner, FairseqIds numbers)
      : inner_(std::move(inner)), numbers_(numbers) {
    set_context_length(inner_->context_length());
  }

  std::vector<std::int32_t> encode_full(std::string_view text) const override {
    auto ids = inner_->encode_full(text);
    std::ranges::transform(ids, ids.begin(), [this](auto id) { return numbers_.outward(id); });
    return ids;
  }

  std::unique_ptr<TextStream> start_decoding(const TextDecoding& options) const override {
    return std::make_unique<Stream>(inner_->start_decoding(options), numbers_);
  }

  std::int32_t pad_id() const override { return 1; }
  std::size_t vocabulary_size() const override { return inner_->vocabulary_size(); }
  std::size_t start_tokens() const override { return inner_->start_tokens(); }
  std::size_t end_tokens() const override { return inner_->end_tokens(); }

 private:
  class Stream : public TextStream {
   public:
    Stream(std::unique_ptr<TextStream> inner, FairseqIds numbers)
        : inner_(std::move(inner)), numbers_(numbers) {}
    std::string push(std::int32_t id) override { return inner_->push(numbers_.inward(id)); }
    std::string finish() override { return inner_->finish(); }

   private:
    std::unique_ptr<TextStream> inner_;
    FairseqIds numbers_;
  };

  std::unique_ptr<Tokenizer> inner_;
  FairseqIds numbers_;
};

}  // namespace

std::unique_ptr<Tokenizer> read_xlm_roberta_tokenizer(const std::filesystem::path& file,
                                                      const TokenizerConfig& config) {
  auto legacy = config;
  legacy.legacy = true;
  auto model = read_model(file, legacy);
  const FairseqIds numbers(model->size());
  if (model->find("<unk>") != FairseqIds::unknown || model->find("<s>") != FairseqIds::begin ||
      model->find("</s>") != FairseqIds::end) {
    throw Error(ErrorCode::corrupt,
                "[sentencepiece] " + file.string() + ": expected <unk>, <s> and </s> as its first pieces");
  }
  PieceOptions options;
  const auto add = [&](const char* name, const char* fallback, std::int32_t id) {
    auto token = role(config, name, fallback);
    token.id = id;
    options.tokens.push_back(std::move(token));
  };
  add("bos_token", "<s>", FairseqIds::begin);
  add("eos_token", "</s>", FairseqIds::end);
  add("unk_token", "<unk>", FairseqIds::unknown);
  add("pad_token", "<pad>", numbers.pad());
  add("mask_token", "<mask>", numbers.mask());
  if (!config.special.contains("mask_token")) options.tokens.back().lstrip = true;
  options.before = {FairseqIds::begin};
  options.after = {FairseqIds::end};
  options.pad_id = numbers.pad();
  return std::make_unique<FairseqTokenizer>(
      std::make_unique<PieceTokenizer>(std::move(model), legacy, std::move(options)), numbers);
}

std::int32_t require_piece(const SentencePieceModel& model, const std::string& piece) {
  const auto id = model.find(piece);
  if (id < 0) {
    throw Error(ErrorCode::corrupt, "[sentencepiece] " + model.name() + ": has no piece \"" + piece + "\"");
  }
  return id;
}

std::vector<AddedToken> tokens_in_text(const SentencePieceModel& model, const TokenizerConfig& config,
                                       std::vector<AddedToken> defaults) {
  std::vector<AddedToken> tokens;
  const auto add = [&](AddedToken token) {
    if (id_of(tokens, token.content, -1) < 0) tokens.push_back(std::move(token));
  };
  for (const auto& [id, token] : config.added_tokens) add(token);
  for (auto& token : defaults) {
    if (id_of(tokens, token.content, -1) >= 0) continue;
    token.id = require_piece(model, token.content);
    add(std::move(token));
  }
  return tokens;
}

std::unique_ptr<Tokenizer> read_llama_tokenizer(const std::filesystem::path& file,
                                                const TokenizerConfig& config) {
  auto model = read_model(file, config);
  const auto begin = role(config, "bos_token", "<s>");
  const auto end = role(config, "eos_token", "</s>");
  PieceOptions options;
  options.tokens = tokens_in_text(*model, config, {begin, end, role(config, "unk_token", "<unk>")});
  add_named(*model, config, options.tokens);
  options.pad_id = id_of(options.tokens, config.special_text("pad_token", ""), 0);
  if (config.add_bos.value_or(true)) options.before = {id_of(options.tokens, begin.content, 0)};
  if (config.add_eos.value_or(false)) options.after = {id_of(options.tokens, end.content, 0)};
  return std::make_unique<PieceTokenizer>(std::move(model), config, std::move(options));
}

std::unique_ptr<Tokenizer> read_t5_tokenizer(const std::filesystem::path& file,
                                             const TokenizerConfig& config) {
  auto model = read_model(file, config);
  const auto end = role(config, "eos_token", "</s>");
  const auto pad = role(config, "pad_token", "<pad>");
  PieceOptions options;
  options.tokens = tokens_in_text(*model, config, {end, pad, role(config, "unk_token", "<unk>")});
  add_named(*model, config, options.tokens);
  for (int i = 0; i < config.extra_ids; ++i) {
    AddedToken token{.content = "<extra_id_" + std::to_string(i) + ">", .lstrip = true, .rstrip = true};
    token.id = static_cast<std::int32_t>(model->size()) + config.extra_ids - 1 - i;
    if (!config.added_tokens.contains(token.id)) options.tokens.push_back(std::move(token));
  }
  options.pad_id = id_of(options.tokens, pad.content, 0);
  options.after = {id_of(options.tokens, end.content, 0)};
  options.end_once = true;
  options.decoder.append(trim_text());
  return std::make_unique<PieceTokenizer>(std::move(model), config, std::move(options));
}

std::unique_ptr<Tokenizer> read_gemma_tokenizer(const std::filesystem::path& file,
                                                const TokenizerConfig& config) {
  constexpr std::size_t published_size = 256'000;
  auto legacy = config;
  legacy.legacy = true;
  auto model = read_model(file, legacy);
  const auto begin = role(config, "bos_token", "<bos>");
  const auto end = role(config, "eos_token", "<eos>");
  const auto pad = role(config, "pad_token", "<pad>");
  const auto& type = config.model_type;
  const bool writes = type == "paligemma" || type.starts_with("gemma");
  PieceOptions options;
  options.tokens = tokens_in_text(*model, config, {pad, end, begin, role(config, "unk_token", "<unk>")});
  options.lowercase = config.lowercase.value_or(config.tokenizer_class == "Siglip2Tokenizer" ||
                                                (!writes && model->size() == published_size));
  options.pad_id = id_of(options.tokens, pad.content, 0);
  if (config.add_bos.value_or(writes)) options.before = {id_of(options.tokens, begin.content, 0)};
  if (config.add_eos.value_or(!writes)) options.after = {id_of(options.tokens, end.content, 0)};
  return std::make_unique<PieceTokenizer>(std::move(model), legacy, std::move(options));
}

}  // namespace beeld
