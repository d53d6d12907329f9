#include "text/tokenizer/normalizer.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/format/settings.h"
#include "text/unicode/charsmap.h"
#include "text/unicode/growth.h"
#include "text/unicode/json_pattern.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

using Pointer = std::unique_ptr<const Normalizer>;

/// A normalizer that is a function.
class Function : public Normalizer {
 public:
  explicit Function(std::function<std::string(std::string_view)> apply) : apply_(std::move(apply)) {}
  std::string apply(std::string_view text) const override { return apply_(text); }

 private:
  std::function<std::string(std::string_view)> apply_;
};

template <class Apply>
Pointer make(Apply apply) {
  return std::make_unique<Function>(std::move(apply));
}

class Sequence : public Normalizer {
 public:
  explicit Sequence(std::vector<Pointer> steps) : steps_(std::move(steps)) {}
  std::string apply(std::string_view text) const override {
    std::string result(text);
    for (const auto& step : steps_) {
      result = step->apply(result);
      check_growth(text.size(), result.size());
    }
    return result;
  }

 private:
  std::vector<Pointer> steps_;
};

template <class Keep>
std::string filter(std::string_view text, Keep keep) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto start = i;
    if (keep(next_code_point(text, i))) result += text.substr(start, i - start);
  }
  return result;
}

bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::string clean_text(std::string_view text, Unassigned unassigned) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto start = i;
    const auto c = next_code_point(text, i);
    if (c == '\t' || c == '\n' || c == '\r') {
      result += ' ';
    } else if (c != 0xFFFD && !is_other(c) && (unassigned == Unassigned::keep || is_assigned(c))) {
      result += is_white_space(c) ? std::string_view(" ") : text.substr(start, i - start);
    }
  }
  return result;
}

std::string space_ideographs(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto start = i;
    const bool ideograph = is_ideograph(next_code_point(text, i));
    if (ideograph) result += ' ';
    result += text.substr(start, i - start);
    if (ideograph) result += ' ';
  }
  return result;
}

Pointer read_sequence(Settings& settings) {
  std::vector<Pointer> steps;
  const auto& list = settings.raw("normalizers");
  if (!list.is_array()) {
    throw Error(ErrorCode::corrupt, "[tokenizer] " + settings.origin() + ": normalizers should be a list");
  }
  for (const auto& item : list) {
    if (auto step = read_normalizer(item, settings.origin())) steps.push_back(std::move(step));
  }
  return std::make_unique<Sequence>(std::move(steps));
}

Pointer read_replace(Settings& settings) {
  auto pattern = std::make_shared<const Regex>(read_pattern(settings.raw("pattern"), settings.origin()));
  return make([pattern, content = settings.string("content", "")](std::string_view text) {
    return pattern->replace_all(text, content);
  });
}

Pointer read_bert(Settings& settings) {
  BertNormalizerOptions options;
  options.clean_text = settings.boolean("clean_text", true);
  options.handle_chinese_chars = settings.boolean("handle_chinese_chars", true);
  options.lowercase = settings.boolean("lowercase", true);
  options.strip_accents = settings.boolean("strip_accents", options.lowercase);
  return make_bert_normalizer(options);
}

Pointer read_strip(Settings& settings) {
  const bool left = settings.boolean("strip_left", true);
  const bool right = settings.boolean("strip_right", true);
  return make([=](std::string_view text) { return std::string(strip(text, is_white_space, left, right)); });
}

Pointer read_charsmap(Settings& settings) {
  const auto text = settings.string("precompiled_charsmap", "");
  if (text.empty()) return nullptr;
  auto map = std::make_shared<const Charsmap>(decode_base64(text, settings.origin()), settings.origin());
  return make([map](std::string_view input) { return map->normalize(input); });
}

Pointer read_form(NormalizationForm form) {
  return make([form](std::string_view text) { return normalize(text, form); });
}

Pointer read_type(Settings& settings) {
  const auto type = settings.string("type", "");
  if (type == "Sequence") return read_sequence(settings);
  if (type == "NFC") return read_form(NormalizationForm::nfc);
  if (type == "NFD") return read_form(NormalizationForm::nfd);
  if (type == "NFKC") return read_form(NormalizationForm::nfkc);
  if (type == "NFKD") return read_form(NormalizationForm::nfkd);
  if (type == "Lowercase") return make_lowercase();
  if (type == "Replace") return read_replace(settings);
  if (type == "BertNormalizer") return read_bert(settings);
  if (type == "Strip") return read_strip(settings);
  if (type == "Precompiled") return read_charsmap(settings);
  if (type == "StripAccents") {
    return make([](std::string_view text) { return filter(text, [](char32_t c) { return !is_mark(c); }); });
  }
  if (type == "Prepend") {
    return make([prefix = settings.string("prepend", "")](std::string_view text) {
      return text.empty() ? std::string() : prefix + std::string(text);
    });
  }
  throw Error(ErrorCode::unsupported, "[tokenizer] " + settings.origin() + ": a normalizer \"" + type + "\"");
}

}  // namespace

Pointer make_lowercase() {
  return make([](std::string_view text) { return lowercase(text); });
}

Pointer make_sequence(Pointer first, Pointer second) {
  std::vector<Pointer> steps;
  if (first) steps.push_back(std::move(first));
  if (second) steps.push_back(std::move(second));
  return std::make_unique<Sequence>(std::move(steps));
}

Pointer make_bert_normalizer(const BertNormalizerOptions& options) {
  return make([options](std::string_view input) {
    std::string text(input);
    if (options.clean_text) text = clean_text(text, options.unassigned);
    if (options.handle_chinese_chars) text = space_ideographs(text);
    if (options.strip_accents) {
      text =
          filter(normalize(text, NormalizationForm::nfd), [](char32_t c) { return !is_nonspacing_mark(c); });
    }
    return options.lowercase ? lowercase(text) : text;
  });
}

Pointer read_normalizer(const nlohmann::json& value, const std::string& origin) {
  if (value.is_null()) return nullptr;
  Settings settings(value, origin + ": normalizer");
  auto result = read_type(settings);
  settings.done();
  return result;
}

}  // namespace beeld
