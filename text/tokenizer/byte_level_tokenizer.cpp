#include "text/tokenizer/byte_level_tokenizer.h"

#include <beeld/error.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "text/tokenizer/pipeline.h"
#include "text/tokenizer/simple_tokenizer.h"

namespace beeld {

namespace {

enum class Kind { clip, gpt2, roberta, qwen2 };

constexpr std::string_view qwen2_words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Kind kind_of(const Vocabulary& vocabulary, const TokenizerConfig& config) {
  const auto& name = config.tokenizer_class;
  const auto has = [&](const char* piece) { return vocabulary.find(piece) != Vocabulary::none; };
  if (name == "CLIPTokenizer") return Kind::clip;
  if (name == "GPT2Tokenizer") return Kind::gpt2;
  if (name == "Qwen2Tokenizer") return Kind::qwen2;
  if (name == "RobertaTokenizer" || name == "BartTokenizer" || name == "LongformerTokenizer")
    return Kind::roberta;
  if (has("!</w>")) return Kind::clip;
  return has("<s>") && has("</s>") && has("<mask>") ? Kind::roberta : Kind::gpt2;
}

/// The tokens that are recognised in the text itself: those the configuration names, and the given ones.
class Tokens {
 public:
  Tokens(const Vocabulary& vocabulary, const TokenizerConfig& config)
      : vocabulary_(vocabulary), config_(config) {
    for (const auto& [id, token] : config.added_tokens) add(token);
  }

  /// Its id; `fallback` is the token where the configuration names none for this role.
  std::int32_t require(const char* role, AddedToken fallback) {
    const auto it = config_.special.find(role);
    auto token = it == config_.special.end() ? std::move(fallback) : it->second;
    const auto known =
        std::find_if(list.begin(), list.end(), [&](auto& t) { return t.content == token.content; });
    if (known != list.end()) return known->id;
    token.id = vocabulary_.require(token.content);
    list.push_back(token);
    return token.id;
  }

  /// Tokens of other roles, where the vocabulary has them.
  void add_named() {
    for (const auto& [role, token] : config_.special) add_known(token);
    for (const auto& token : config_.additional) add_known(token);
  }

  std::vector<AddedToken> list;

 private:
  void add(const AddedToken& token) {
    const auto known = vocabulary_.find(token.content);
    if (known == Vocabulary::none ? vocabulary_.has_id(token.id) : known != token.id) {
      throw Error(ErrorCode::corrupt, "[tokenizer] " + vocabulary_.origin() + ": the added token \"" +
                                          token.content +
                                          "\" has an id of the vocabulary's that is not its own");
    }
    list.push_back(token);
  }

  void add_known(AddedToken token) {
    token.id = vocabulary_.find(token.content);
    const bool known =
        std::any_of(list.begin(), list.end(), [&](auto& t) { return t.content == token.content; });
    if (token.id != Vocabulary::none && !known) list.push_back(std::move(token));
  }

  const Vocabulary& vocabulary_;
  const TokenizerConfig& config_;
};

std::unique_ptr<const PreTokenizer> make_words(Kind kind, bool add_prefix_space) {
  if (kind != Kind::clip && kind != Kind::qwen2) return make_byte_level(add_prefix_space, true);
  std::vector<std::unique_ptr<const PreTokenizer>> steps;
  if (kind == Kind::clip) {
    steps.push_back(make_split(clip_words, {.invert = true}));
    steps.push_back(make_byte_level(false, true));
  } else {
    steps.push_back(make_split(qwen2_words, {.delimiters = Delimiters::isolated}));
    steps.push_back(make_byte_level(add_prefix_space, false));
  }
  return make_pre_tokenizer_sequence(std::move(steps));
}

std::unique_ptr<const Normalizer> make_normalizer(Kind kind) {
  if (kind == Kind::qwen2) return read_normalizer(nlohmann::json{{"type", "NFC"}}, "Qwen 2");
  if (kind != Kind::clip) return nullptr;
  return read_normalizer(nlohmann::json::parse(R"({"type": "Sequence", "normalizers": [{"type": "NFC"},
      {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]})"),
                         "CLIP");
}

/// Ids around every text, and what is recognised in it.
void read_tokens(Kind kind, const Vocabulary& vocabulary, const TokenizerConfig& config,
                 PipelineParts& parts) {
  Tokens tokens(vocabulary, config);
  if (kind == Kind::roberta) {
    const auto start = tokens.require("bos_token", {.content = "<s>"});
    const auto end = tokens.require("eos_token", {.content = "</s>"});
    tokens.require("unk_token", {.content = "<unk>"});
    tokens.require("mask_token", {.content = "<mask>", .lstrip = true});
    parts.frame = {{start}, {end}};
    parts.pad_id = tokens.require("pad_token", {.content = "<pad>"});
  } else {
    if (kind == Kind::clip) {
      const auto start = tokens.require("bos_token", {.content = "<|startoftext|>", .normalized = true});
      parts.frame.before = {start};
    }
    const auto end = tokens.require("eos_token", {.content = "<|endoftext|>"});
    if (kind == Kind::clip) parts.frame.after = {end};
    parts.pad_id =
        tokens.require("pad_token", {.content = config.special_text("eos_token", "<|endoftext|>")});
  }
  tokens.add_named();
  parts.added_tokens = std::move(tokens.list);
}

}  // namespace

std::unique_ptr<Tokenizer> read_byte_level_tokenizer(const std::filesystem::path& folder,
                                                     const TokenizerConfig& config) {
  const auto file = folder / "vocab.json";
  auto vocabulary = Vocabulary::from_json(read_json(file), file.string());
  const auto kind = kind_of(vocabulary, config);
  PipelineParts parts;
  read_tokens(kind, vocabulary, config, parts);
  parts.vocabulary_size = vocabulary.size();
  for (const auto& token : parts.added_tokens) {
    if (!vocabulary.has_id(token.id)) ++parts.vocabulary_size;
  }
  BytePairOptions options;
  if (kind == Kind::clip) {
    options = {.unknown = config.special_text("unk_token", "<|endoftext|>"), .end_suffix = "</w>"};
    parts.decoder = decode_word_bytes(options.end_suffix);
  } else {
    parts.decoder.append(decode_byte_level());
  }
  if (config.clean_up_spaces.value_or(false)) parts.decoder.append(clean_up_spaces());
  parts.normalizer = make_normalizer(kind);
  parts.pre_tokenizer = make_words(kind, config.add_prefix_space.value_or(false));
  const auto merges = read_merges((folder / "merges.txt").string());
  parts.model = std::make_unique<BytePairModel>(std::move(vocabulary), merges, options);
  auto result = std::make_unique<Pipeline>(std::move(parts));
  result->set_context_length(config.context_length);
  result->set_truncation_side(config.truncation_side);
  return result;
}

}  // namespace beeld
