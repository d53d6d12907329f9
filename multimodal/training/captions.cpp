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

const char* CaptionChoice::lack(const Sample& sample) const {
  if (sample.label && !synonyms_.empty())
    return static_cast<std::uint64_t>(*sample.label) < synonyms_.size() ? nullptr : "class out of range";
  return sample.captions.empty() ? "no caption" : nullptr;
}

std::string CaptionChoice::choose(const Sample& sample, Random& random) const {
  if (!sample.label || synonyms_.empty()) return any_of(sample.captions, random);
  const auto& pattern = any_of(templates_, random);
  return fill_template(pattern, any_of(synonyms_[static_cast<std::size_t>(*sample.label)], random));
}

}  // namespace beeld
