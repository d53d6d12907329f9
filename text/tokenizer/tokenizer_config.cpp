#include "text/tokenizer/tokenizer_config.h"

#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/format/settings.h"

namespace beeld {

namespace {

constexpr double sane_length = 1e6;  // transformers writes 1e30 where it knows no limit
constexpr const char* roles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                 "pad_token", "cls_token", "mask_token"};

[[noreturn]] void corrupt(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[tokenizer] " + origin + ": " + what);
}

Settings read_if_present(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Settings(nlohmann::json::object(), file.string());
  return Settings::from_file(file.string());
}

AddedToken read_token(const nlohmann::json& value, const std::string& origin) {
  AddedToken token;
  if (value.is_string()) {
    token.content = value.get<std::string>();
    return token;
  }
  Settings settings(value, origin);
  token.content = settings.string("content", "");
  token.single_word = settings.boolean("single_word", false);
  token.lstrip = settings.boolean("lstrip", false);
  token.rstrip = settings.boolean("rstrip", false);
  token.normalized = settings.boolean("normalized", false);
  token.special = settings.boolean("special", true);
  return token;
}

void read_special(Settings& settings, TokenizerConfig& config) {
  for (const char* role : roles) {
    const auto& value = settings.raw(role);
    if (value.is_null()) continue;
    config.special.insert_or_assign(role, read_token(value, settings.origin() + ": " + role));
  }
}

void read_additional(Settings& settings, TokenizerConfig& config) {
  const auto& list = settings.raw("additional_special_tokens");
  if (list.is_null()) return;
  if (!list.is_array()) corrupt(settings.origin(), "additional_special_tokens should be a list");
  config.additional.clear();
  for (const auto& item : list) {
    config.additional.push_back(read_token(item, settings.origin() + ": additional_special_tokens"));
  }
}

void read_added(Settings& settings, TokenizerConfig& config) {
  const auto& decoder = settings.raw("added_tokens_decoder");
  if (decoder.is_null()) return;
  if (!decoder.is_object()) corrupt(settings.origin(), "added_tokens_decoder should be an object");
  for (const auto& [key, value] : decoder.items()) {
    if (key.empty() || key.size() > 8 || key.find_first_not_of("0123456789") != std::string::npos) {
      corrupt(settings.origin(), "an added token's id \"" + key + "\"");
    }
    const auto id = std::stol(key);
    if (id > Vocabulary::largest_id) corrupt(settings.origin(), "the added token's id " + key);
    auto token = read_token(value, settings.origin() + ": added_tokens_decoder");
    token.special =
        value.is_object() && value.value("special", nlohmann::json(false)) == nlohmann::json(true);
    token.id = static_cast<std::int32_t>(id);
    // A role given as plain text takes its flags from here.
    for (auto& [role, special] : config.special) {
      if (special.content == token.content) special = token;
    }
    for (auto& additional : config.additional) {
      if (additional.content == token.content) additional = token;
    }
    config.added_tokens.emplace(id, std::move(token));
  }
}

std::optional<bool> read_flag(Settings& settings, const char* key) {
  if (!settings.has(key)) return std::nullopt;
  return settings.boolean(key, false);
}

TruncationSide read_truncation_side(Settings& settings) {
  const auto side = settings.string("truncation_side", "right");
  if (side != "left" && side != "right") corrupt(settings.origin(), "a truncation_side \"" + side + "\"");
  return side == "left" ? TruncationSide::left : TruncationSide::right;
}

}  // namespace

std::string TokenizerConfig::special_text(const std::string& role, const std::string& fallback) const {
  const auto it = special.find(role);
  return it == special.end() ? fallback : it->second.content;
}

TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder) {
  TokenizerConfig config;
  auto map = read_if_present(folder / "special_tokens_map.json");
  read_special(map, config);
  read_additional(map, config);
  auto settings = read_if_present(folder / "tokenizer_config.json");
  read_special(settings, config);
  read_additional(settings, config);
  read_added(settings, config);
  config.truncation_side = read_truncation_side(settings);
  config.tokenizer_class = settings.string("tokenizer_class", "");
  if (config.tokenizer_class.ends_with("Fast")) {
    config.tokenizer_class.resize(config.tokenizer_class.size() - 4);
  }
  if (settings.has("model_max_length")) {
    const auto length = settings.number("model_max_length", 0);
    if (length < 1) corrupt(settings.origin(), "model_max_length should be at least 1");
    if (length < sane_length) config.context_length = static_cast<std::size_t>(length);
  }
  config.lowercase = read_flag(settings, "do_lower_case");
  config.strip_accents = read_flag(settings, "strip_accents");
  config.tokenize_chinese_chars = read_flag(settings, "tokenize_chinese_chars");
  config.add_bos = read_flag(settings, "add_bos_token");
  config.add_eos = read_flag(settings, "add_eos_token");
  config.add_prefix_space = read_flag(settings, "add_prefix_space");
  config.clean_up_spaces = read_flag(settings, "clean_up_tokenization_spaces");
  config.legacy = settings.boolean("legacy", true);
  config.separate_vocabs = settings.boolean("separate_vocabs", false);
  config.extra_ids = settings.bounded("extra_ids", config.extra_ids, 0, 1 << 16);
  config.model_type = read_if_present(folder / "config.json").string("model_type", "");
  return config;
}

}  // namespace beeld
