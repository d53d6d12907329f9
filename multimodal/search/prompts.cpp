#include "multimodal/search/prompts.h"

#include <beeld/error.h>

#include <algorithm>

#include "core/tensor/unit_length.h"

namespace beeld {

namespace {

constexpr double shortest_mean = 1e-9;  // what is left of prompts that cancel each other is rounding

std::vector<double> unit_row(std::span<const float> row, const std::string& prompt) {
  std::vector<double> unit(row.begin(), row.end());
  if (!scale_to_unit(std::span(unit))) {
    throw Error(
        ErrorCode::invalid_argument,
        "[prompts] expected an embedding with a direction, got zeros or infinities for '" + prompt + "'");
  }
  return unit;
}

}  // namespace

std::string fill_template(const std::string& pattern, const std::string& text) {
  const auto slot = pattern.find("{}");
  if (slot == std::string::npos)
    throw Error(ErrorCode::invalid_argument,
                "[template] expected {} in every template, got \"" + pattern + "\"");
  return pattern.substr(0, slot) + text + pattern.substr(slot + 2);
}

Matrix embed_by_prompts(const TextEncoder& encode, std::span<const std::string> texts,
                        const std::vector<std::string>& templates) {
  std::vector<std::string> prompts;
  for (const auto& text : texts) {
    if (templates.empty()) prompts.push_back(text);
    for (const auto& pattern : templates) prompts.push_back(fill_template(pattern, text));
  }
  const auto rows = encode(prompts);  // [N*templates,D]
  const auto each = std::max<std::size_t>(templates.size(), 1);
  Matrix embeddings(texts.size(), rows.columns);
  for (std::size_t n = 0; n < texts.size(); ++n) {
    std::vector<double> mean(rows.columns);
    for (std::size_t i = n * each; i < (n + 1) * each; ++i) {
      const auto unit = unit_row(rows[i], prompts[i]);
      std::transform(mean.begin(), mean.end(), unit.begin(), mean.begin(), std::plus<>());
    }
    if (!scale_to_unit(std::span(mean), shortest_mean))
      throw Error(ErrorCode::invalid_argument,
                  "[prompts] the prompts of '" + texts[n] + "' cancel each other");
    std::copy(mean.begin(), mean.end(), embeddings[n].begin());
  }
  return embeddings;
}

}  // namespace beeld
