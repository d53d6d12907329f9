#include "multimodal/training/captions.h"

#include <beeld/error.h>

#include <string_view>

#include "multimodal/evaluate.h"

namespace beeld {

namespace {

constexpr std::string_view slot = "{}";

const std::string& any_of(const std::vector<std::string>& choices, Random& random) {
  return choices[random.below(choices.size())];
}

}  // namespace

CaptionChoice::CaptionChoice(const std::filesystem::path& classes, std::vector<std::string> templates)
    : templates_(std::move(templates)) {
  for (const auto& text : templates_) {
    if (text.find(slot) == std::string::npos) {
      throw Error(ErrorCode::invalid_argument,
                  "[training data] expected {} in every template, got \"" + text + "\"");
    }
  }
  if (templates_.empty()) templates_.emplace_back(slot);
  if (!classes.empty()) synonyms_ = read_class_synonyms(classes);
}

const char* CaptionChoice::lack(const SampleWords& words) const {
  if (words.label && !synonyms_.empty())
    return static_cast<std::uint64_t>(*words.label) < synonyms_.size() ? nullptr : "class out of range";
  return words.captions.empty() ? "no caption" : nullptr;
}

std::string CaptionChoice::choose(const SampleWords& words, Random& random) const {
  if (!words.label || synonyms_.empty()) return any_of(words.captions, random);
  auto text = any_of(templates_, random);
  return text.replace(text.find(slot), slot.size(),
                      any_of(synonyms_[static_cast<std::size_t>(*words.label)], random));
}

}  // namespace beeld
