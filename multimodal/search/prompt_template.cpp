#include "multimodal/search/prompt_template.h"

#include <beeld/error.h>

namespace beeld {

std::string fill_template(const std::string& pattern, const std::string& text) {
  const auto slot = pattern.find("{}");
  if (slot == std::string::npos)
    throw Error(ErrorCode::invalid_argument,
                "[template] expected {} in every template, got \"" + pattern + "\"");
  return pattern.substr(0, slot) + text + pattern.substr(slot + 2);
}

}  // namespace beeld
