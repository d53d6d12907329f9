#include "text/tokenizer/post_processor.h"

#include <beeld/error.h>

#include <nlohmann/json.hpp>

#include "core/format/settings.h"
#include "text/subword/vocabulary.h"

namespace beeld {

namespace {

using nlohmann::json;

[[noreturn]] void corrupt(const Settings& settings, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[tokenizer] " + settings.origin() + ": " + what);
}

std::int32_t read_id(const json& value, const Settings& settings) {
  if (!value.is_number_integer() || value < json(0) || value > json(Vocabulary::largest_id)) {
    corrupt(settings, "a token id " + value.dump().substr(0, 40));
  }
  return value.get<std::int32_t>();
}

/// `["<text>", id]`
std::int32_t read_pair(Settings& settings, const char* key) {
  const auto& value = settings.raw(key);
  if (!value.is_array() || value.size() != 2) corrupt(settings, std::string(key) + " should be [text, id]");
  return read_id(value[1], settings);
}

std::vector<std::int32_t> template_ids(const json& special_tokens, const json& name, Settings& settings) {
  if (!name.is_string() || !special_tokens.is_object() || !special_tokens.contains(name)) {
    corrupt(settings, "the template names a token that special_tokens lacks");
  }
  Settings token(special_tokens.at(name.get_ref<const std::string&>()), settings.origin());
  const auto& list = token.raw("ids");
  if (!list.is_array()) corrupt(settings, "a special token without ids");
  std::vector<std::int32_t> ids;
  for (const auto& id : list) ids.push_back(read_id(id, settings));
  return ids;
}

Frame read_template(Settings& settings) {
  settings.ignore({"pair"});
  const auto& special_tokens = settings.raw("special_tokens");
  const auto& single = settings.raw("single");
  if (!single.is_array()) corrupt(settings, "single should be a list");
  Frame frame;
  int texts = 0;
  for (const auto& item : single) {
    if (!item.is_object() || item.size() != 1) corrupt(settings, "a template of something else than tokens");
    const auto& kind = item.begin().key();
    const auto& value = item.begin().value();
    if (kind == "Sequence") {
      ++texts;
    } else if (kind == "SpecialToken" && value.is_object()) {
      auto& side = texts == 0 ? frame.before : frame.after;
      const auto ids = template_ids(special_tokens, value.value("id", json()), settings);
      side.insert(side.end(), ids.begin(), ids.end());
    } else {
      corrupt(settings, "a template item \"" + kind + "\"");
    }
  }
  if (texts != 1) {
    throw Error(ErrorCode::unsupported, "[tokenizer] " + settings.origin() + ": a template with the text " +
                                            std::to_string(texts) + " times");
  }
  return frame;
}

Frame read_list(Settings& settings) {
  const auto& list = settings.raw("processors");
  if (!list.is_array()) corrupt(settings, "processors should be a list");
  Frame frame;
  for (const auto& item : list) {
    const auto outer = read_post_processor(item, settings.origin());
    frame.before.insert(frame.before.begin(), outer.before.begin(), outer.before.end());
    frame.after.insert(frame.after.end(), outer.after.begin(), outer.after.end());
  }
  return frame;
}

Frame read_type(Settings& settings) {
  const auto type = settings.string("type", "");
  if (type == "Sequence") return read_list(settings);
  if (type == "TemplateProcessing") return read_template(settings);
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    settings.ignore({"trim_offsets", "add_prefix_space"});
    return {{read_pair(settings, "cls")}, {read_pair(settings, "sep")}};
  }
  if (type == "ByteLevel") {  // moves offsets only
    settings.ignore({"trim_offsets", "add_prefix_space", "use_regex"});
    return {};
  }
  throw Error(ErrorCode::unsupported,
              "[tokenizer] " + settings.origin() + ": a post-processor \"" + type + "\"");
}

}  // namespace

Frame read_post_processor(const json& value, const std::string& origin) {
  if (value.is_null()) return {};
  Settings settings(value, origin + ": post_processor");
  auto frame = read_type(settings);
  settings.done();
  return frame;
}

}  // namespace beeld
