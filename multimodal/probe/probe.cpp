#include "multimodal/probe/probe.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "multimodal/probe/features.h"

namespace beeld {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "[probe] " + what);
}

void check(const LabelledEmbeddings& examples, std::size_t classes) {
  const auto& [embeddings, labels] = examples;
  if (labels.empty()) refuse("there are no examples");
  if (embeddings.rows != labels.size()) {
    refuse(std::to_string(labels.size()) + " labels for " + std::to_string(embeddings.rows) + " embeddings");
  }
  if (const auto largest = *std::max_element(labels.begin(), labels.end()); largest >= classes) {
    refuse("expected labels below " + std::to_string(classes) + ", got " + std::to_string(largest));
  }
  if (!std::all_of(embeddings.values.begin(), embeddings.values.end(),
                   [](float value) { return std::isfinite(value); })) {
    refuse("an embedding has a value that is not finite");
  }
}

/// The numbers of each class's examples: [K][...].
std::vector<std::vector<std::size_t>> by_class(const std::vector<std::size_t>& labels, std::size_t classes) {
  std::vector<std::vector<std::size_t>> result(classes);
  for (std::size_t i = 0; i < labels.size(); ++i) result[labels[i]].push_back(i);
  return result;
}

/// `shots` examples of each class, chosen at random.
LabelledEmbeddings draw(const LabelledEmbeddings& from, std::vector<std::vector<std::size_t>> examples,
                        std::size_t shots, std::mt19937_64& generator) {
  LabelledEmbeddings result;
  result.embeddings = Matrix(shots * examples.size(), from.embeddings.columns);
  for (std::size_t k = 0; k < examples.size(); ++k) {
    auto& own = examples[k];
    for (std::size_t i = 0; i < shots; ++i) {
      std::swap(own[i], own[i + generator() % (own.size() - i)]);
      const auto row = from.embeddings[own[i]];
      std::copy(row.begin(), row.end(), result.embeddings[result.labels.size()].begin());
      result.labels.push_back(k);
    }
  }
  return result;
}

FewShotRow summary(std::size_t shots, const std::vector<double>& accuracies) {
  const auto count = static_cast<double>(accuracies.size());
  FewShotRow row{.shots = shots};
  for (const double value : accuracies) row.mean += value / count;
  if (accuracies.size() < 2) return row;
  double squares = 0;
  for (const double value : accuracies) squares += (value - row.mean) * (value - row.mean);
  row.deviation = std::sqrt(squares / (count - 1));
  return row;
}

}  // namespace

Matrix LinearClassifier::logits(const Matrix& embeddings) const {
  if (embeddings.columns != weights.columns) {
    refuse("expected embeddings of " + std::to_string(weights.columns) + " values, got " +
           std::to_string(embeddings.columns));
  }
  Matrix result(embeddings.rows, weights.rows);
  for (std::size_t i = 0; i < embeddings.rows; ++i) {
    for (std::size_t k = 0; k < weights.rows; ++k) result[i][k] = dot(embeddings[i], weights[k]) + bias[k];
  }
  return result;
}

LinearClassifier fit_linear(const LabelledEmbeddings& examples, std::size_t classes, ProbeMethod method) {
  check(examples, classes);
  return method == ProbeMethod::ridge ? fit_ridge(examples, classes) : fit_logistic(examples, classes);
}

double accuracy(const LinearClassifier& classifier, const LabelledEmbeddings& examples) {
  const auto logits = classifier.logits(examples.embeddings);
  std::size_t right = 0;
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const auto row = logits[i];
    const auto winner = std::max_element(row.begin(), row.end()) - row.begin();
    right += static_cast<std::size_t>(winner) == examples.labels[i] ? 1 : 0;
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(std::max<std::size_t>(logits.rows, 1));
}

std::size_t smallest_class(std::span<const std::size_t> labels, std::size_t classes) {
  std::vector<std::size_t> counts(classes);
  for (const auto label : labels) ++counts.at(label);
  return counts.empty() ? 0 : *std::min_element(counts.begin(), counts.end());
}

std::vector<FewShotRow> few_shot(const LabelledEmbeddings& train, const LabelledEmbeddings& test,
                                 const FewShotOptions& options) {
  check(train, options.classes);
  check(test, options.classes);
  const auto fewest = smallest_class(train.labels, options.classes);
  for (const auto shots : options.shots) {
    if (shots == 0 || shots > fewest) {
      refuse("expected 1 to " + std::to_string(fewest) +
             " examples a class, as many as the smallest class "
             "has, got " +
             std::to_string(shots));
    }
  }
  const auto examples = by_class(train.labels, options.classes);
  const std::size_t draws = std::max<std::size_t>(options.draws, 1);
  std::mt19937_64 generator(options.seed);
  std::vector<FewShotRow> rows;
  std::size_t done = 0;
  for (const auto shots : options.shots) {
    std::vector<double> accuracies;
    for (std::size_t i = 0; i < draws; ++i) {
      const auto drawn = draw(train, examples, shots, generator);
      accuracies.push_back(accuracy(fit_linear(drawn, options.classes, options.method), test));
      if (options.progress) options.progress(++done, options.shots.size() * draws);
    }
    rows.push_back(summary(shots, accuracies));
  }
  return rows;
}

}  // namespace beeld
