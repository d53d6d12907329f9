#include "text/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/files.h"
#include "core/format/settings.h"
#include "text/subword/unigram.h"
#include "text/subword/word_piece.h"
#include "text/tokenizer/post_processor.h"
#include "text/tokenizer/simple_tokenizer.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

using nlohmann::json;

constexpr std::size_t largest_file = 128u << 20;
constexpr std::size_t gemma_vocabulary = 256'000;

[[noreturn]] void corrupt(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[tokenizer] " + origin + ": " + what);
}

/// Takes a member out of an object; null where it is absent.
json take(json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() ? json() : std::move(*it);
}

json read_root(const std::filesystem::path& file) {
  auto root = read_json(file, largest_file);
  if (!root.is_object()) corrupt(file.string(), "expected an object");
  return root;
}

/// Merges as strings with a space between, or as pairs.
Merges read_merge_list(const json& list, const std::string& origin) {
  if (!list.is_array()) corrupt(origin, "merges should be a list");
  Merges merges;
  merges.reserve(list.size());
  for (const auto& item : list) {
    if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      merges.emplace_back(item[0].get<std::string>(), item[1].get<std::string>());
      continue;
    }
    const auto* text = item.get_ptr<const std::string*>();
    const auto space = text ? text->find(' ') : std::string::npos;
    if (space == std::string::npos || text->find(' ', space + 1) != std::string::npos) {
      corrupt(origin, "merge " + std::to_string(merges.size()) + " is not a pair");
    }
    merges.emplace_back(text->substr(0, space), text->substr(space + 1));
  }
  return merges;
}

std::unique_ptr<const WordModel> read_byte_pair_model(const json& vocabulary, const json& merges,
                                                      Settings& settings) {
  BytePairOptions options;
  options.unknown = settings.string("unk_token", "");
  options.continuing_prefix = settings.string("continuing_subword_prefix", "");
  options.end_suffix = settings.string("end_of_word_suffix", "");
  options.fuse_unknown = settings.boolean("fuse_unk", false);
  options.byte_fallback = settings.boolean("byte_fallback", false);
  options.ignore_merges = settings.boolean("ignore_merges", false);
  if (settings.number("dropout", 0) != 0) {
    throw Error(ErrorCode::unsupported, "[tokenizer] " + settings.origin() + ": dropout");
  }
  return std::make_unique<BytePairModel>(Vocabulary::from_json(vocabulary, settings.origin()),
                                         read_merge_list(merges, settings.origin()), options);
}

std::unique_ptr<const WordModel> read_word_piece_model(const json& vocabulary, Settings& settings) {
  WordPieceOptions options;
  options.unknown = settings.string("unk_token", options.unknown);
  options.continuing_prefix = settings.string("continuing_subword_prefix", options.continuing_prefix);
  options.longest_word =
      static_cast<std::size_t>(settings.bounded("max_input_chars_per_word", 100, 0, 1 << 20));
  return std::make_unique<WordPieceModel>(Vocabulary::from_json(vocabulary, settings.origin()), options);
}

std::unique_ptr<const WordModel> read_unigram_model(const json& list, Settings& settings) {
  if (!list.is_array()) corrupt(settings.origin(), "vocab should be a list");
  std::vector<UnigramPiece> pieces;
  pieces.reserve(list.size());
  for (const auto& item : list) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_number()) {
      corrupt(settings.origin(), "piece " + std::to_string(pieces.size()) + " is not [text, score]");
    }
    pieces.push_back({item[0].get<std::string>(), item[1].get<double>()});
  }
  const auto unknown = settings.integer("unk_id", -1);
  if (unknown < 0) corrupt(settings.origin(), "no unk_id");
  const auto bytes =
      settings.boolean("byte_fallback", false) ? UnknownCharacters::bytes : UnknownCharacters::unknown_piece;
  return std::make_unique<UnigramModel>(pieces, static_cast<std::size_t>(unknown), bytes, settings.origin());
}

/// Files before 2020 leave the type out.
std::string guess_model_type(const json& vocabulary, const json& merges) {
  if (merges.is_array()) return "BPE";
  return vocabulary.is_array() ? "Unigram" : "WordPiece";
}

std::unique_ptr<const WordModel> read_model(json model, const std::string& origin) {
  if (!model.is_object()) corrupt(origin, "model should be an object");
  const auto vocabulary = take(model, "vocab");
  const auto merges = take(model, "merges");
  model.erase("vocab");
  model.erase("merges");
  Settings settings(std::move(model), origin + ": model");
  const auto type = settings.string("type", guess_model_type(vocabulary, merges));
  std::unique_ptr<const WordModel> result;
  if (type == "BPE") {
    result = read_byte_pair_model(vocabulary, merges, settings);
  } else if (type == "WordPiece") {
    result = read_word_piece_model(vocabulary, settings);
  } else if (type == "Unigram") {
    result = read_unigram_model(vocabulary, settings);
  } else {
    throw Error(ErrorCode::unsupported, "[tokenizer] " + origin + ": a model \"" + type + "\"");
  }
  settings.done();
  return result;
}

/// Tokens the model's vocabulary has keep its id; others bring their own.
std::vector<AddedToken> read_added_tokens(const json& list, const Vocabulary& vocabulary, std::size_t& size) {
  const auto& origin = vocabulary.origin();
  std::vector<AddedToken> tokens;
  if (list.is_null()) return tokens;
  if (!list.is_array()) corrupt(origin, "added_tokens should be a list");
  Vocabulary seen;
  for (const auto& item : list) {
    Settings settings(item, origin + ": added_tokens");
    AddedToken token;
    token.content = settings.string("content", "");
    token.single_word = settings.boolean("single_word", false);
    token.lstrip = settings.boolean("lstrip", false);
    token.rstrip = settings.boolean("rstrip", false);
    const bool special = settings.boolean("special", false);
    token.normalized = settings.boolean("normalized", !special);
    token.special = special;
    const auto id = settings.integer("id", -1);
    settings.done();
    if (token.content.empty()) continue;
    seen.add(token.content, id);
    const auto known = vocabulary.find(token.content);
    if (known != Vocabulary::none ? known != id : vocabulary.has_id(id)) {
      corrupt(origin,
              "the added token \"" + token.content + "\" has an id of the vocabulary's that is not its own");
    }
    if (known == Vocabulary::none) ++size;
    token.id = static_cast<std::int32_t>(id);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// As transformers does, tokens that the configuration gives a role and the vocabulary has are special.
void add_named_tokens(const TokenizerConfig& config, const Vocabulary& vocabulary,
                      std::vector<AddedToken>& tokens) {
  const auto add = [&](AddedToken token) {
    token.id = vocabulary.find(token.content);
    const bool known =
        std::any_of(tokens.begin(), tokens.end(), [&](auto& t) { return t.content == token.content; });
    if (token.id != Vocabulary::none && !known && !token.content.empty()) tokens.push_back(std::move(token));
  };
  for (const auto& [role, token] : config.special) add(token);
  for (const auto& token : config.additional) add(token);
}

/// The `decoder` of the file, and what transformers adds to it.
Decoder read_text_decoder(const json& value, const WordModel& model, const TokenizerConfig& config) {
  auto decoder = read_decoder(value, model.vocabulary().origin());
  const bool byte_level = value.is_object() && value.value("type", json()) == json("ByteLevel");
  if (byte_level && !model.end_suffix().empty())
    decoder = decode_word_bytes(std::string(model.end_suffix()));  // CLIP
  if (config.clean_up_spaces.value_or(false)) decoder.append(clean_up_spaces());
  return decoder;
}

/// SigLIP 2 was trained on lower case. Its published folders name Gemma's tokenizer, which does not say so.
bool lowercases_first(const TokenizerConfig& config, std::size_t vocabulary_size) {
  if (config.tokenizer_class == "Siglip2Tokenizer") return true;
  if (config.tokenizer_class != "GemmaTokenizer") return false;
  const bool siglip = config.model_type.starts_with("siglip");  // also of a text tower alone
  return config.lowercase.value_or(siglip && vocabulary_size == gemma_vocabulary);
}

/// As transformers does, the settings of tokenizer_config.json win over those of the file.
void override_bert(json& normalizer, const TokenizerConfig& config) {
  if (!normalizer.is_object() || normalizer.value("type", json()) != json("BertNormalizer")) return;
  if (config.lowercase) normalizer["lowercase"] = *config.lowercase;
  if (config.strip_accents) normalizer["strip_accents"] = *config.strip_accents;
  if (config.tokenize_chinese_chars) normalizer["handle_chinese_chars"] = *config.tokenize_chinese_chars;
}

std::int32_t find_token(const PipelineParts& parts, const std::string& content) {
  for (const auto& token : parts.added_tokens) {
    if (token.content == content) return token.id;
  }
  return parts.model->vocabulary().find(content);
}

/// The token config names as padding, else what the file pads with, else 0.
std::int32_t read_pad_id(const json& padding, const PipelineParts& parts, const TokenizerConfig& config) {
  const auto named = find_token(parts, config.special_text("pad_token", ""));
  if (named != Vocabulary::none) return named;
  if (padding.is_null()) return 0;
  Settings settings(padding, parts.model->vocabulary().origin() + ": padding");
  return settings.bounded("pad_id", 0, 0, static_cast<int>(Vocabulary::largest_id));
}

void check_ids(const PipelineParts& parts) {
  std::set<std::int32_t> added;
  for (const auto& token : parts.added_tokens) added.insert(token.id);
  const auto check = [&](std::int32_t id) {
    if (parts.model->vocabulary().has_id(id) || added.contains(id)) return;
    corrupt(parts.model->vocabulary().origin(), "uses the id " + std::to_string(id) + ", which no token has");
  };
  for (const auto id : parts.frame.before) check(id);
  for (const auto id : parts.frame.after) check(id);
}

}  // namespace

std::unique_ptr<Tokenizer> read_tokenizer_json(const std::filesystem::path& file,
                                               const TokenizerConfig& config) {
  auto root = read_root(file);
  const auto origin = file.string();
  PipelineParts parts;
  parts.model = read_model(take(root, "model"), origin);
  parts.vocabulary_size = parts.model->vocabulary().size();
  parts.added_tokens =
      read_added_tokens(take(root, "added_tokens"), parts.model->vocabulary(), parts.vocabulary_size);
  add_named_tokens(config, parts.model->vocabulary(), parts.added_tokens);
  parts.decoder = read_text_decoder(take(root, "decoder"), *parts.model, config);
  auto normalizer = take(root, "normalizer");
  override_bert(normalizer, config);
  parts.normalizer = read_normalizer(normalizer, origin);
  if (lowercases_first(config, parts.model->vocabulary().size())) {
    parts.normalizer = make_sequence(make_lowercase(), std::move(parts.normalizer));
  }
  parts.pre_tokenizer = read_pre_tokenizer(take(root, "pre_tokenizer"), origin);
  parts.frame = read_post_processor(take(root, "post_processor"), origin);
  parts.pad_id = read_pad_id(take(root, "padding"), parts, config);
  check_ids(parts);
  Settings rest(std::move(root), origin);
  rest.ignore({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
               "post_processor", "decoder", "model"});
  rest.done();
  auto result = std::make_unique<Pipeline>(std::move(parts));
  result->set_context_length(config.context_length);
  result->set_truncation_side(config.truncation_side);
  return result;
}

BytePairFiles read_byte_pairs(const std::filesystem::path& tokenizer_json) {
  auto root = read_root(tokenizer_json);
  auto model = take(root, "model");
  if (!model.is_object()) corrupt(tokenizer_json.string(), "model should be an object");
  const auto origin = tokenizer_json.string() + ": model";
  return {Vocabulary::from_json(take(model, "vocab"), origin),
          read_merge_list(take(model, "merges"), origin)};
}

}  // namespace beeld
