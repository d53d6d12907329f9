#include "multimodal/training/captions.h"

#include "multimodal/data/class_names.h"
#include "multimodal/search/prompts.h"

namespace beeld {

namespace {

const std::string& any_of(const std::vector<std::string>& choices, Random& random) {
  return choices[random.below(choices.size())];
}

}  // namespace

CaptionChoice::CaptionChoice(const std::filesystem::path& classes, std::vector<std::string> templates)
    : templates_(std::move(templates)) {
  for (const auto& pattern : templates_)
    fill_template(pattern, "");  // throws now and not in the midst of a run
  if (templates_.empty()) templates_.emplace_back("{}");
  if (!classes.empty()) synonyms_ = read_class_synonyms(classes);
}

const char* CaptionChoice::lack(const SampleWords& words) const {
  if (words.label && !synonyms_.empty())
    return static_cast<std::uint64_t>(*words.label) < synonyms_.size() ? nullptr : "class out of range";
  return words.captions.empty() ? "no caption" : nullptr;
}

std::string CaptionChoice::choose(const SampleWords& words, Random& random) const {
  if (!words.label || synonyms_.empty()) return any_of(words.captions, random);
  const auto& pattern = any_of(templates_, random);
  return fill_template(pattern, any_of(synonyms_[static_cast<std::size_t>(*words.label)], random));
}

}  // namespace beeld
