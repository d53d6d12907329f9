#include "multimodal/evaluation/verify.h"

#include <beeld/error.h>
#include <beeld/zero_shot.h>

#include <algorithm>
#include <cmath>

namespace beeld {

namespace {

/// What a published figure is.
enum class Output {
  text_logit,   ///< The logit of each text.
  text_score,   ///< The score of each label in the library's own template.
  class_logit,  ///< The first logits of the checkpoint's own classifier.
  embedding,    ///< The first values of the embedding.
};

struct PublishedOutput {
  std::string_view model;
  Output output;
  std::vector<std::string> texts;  ///< Of text outputs.
  std::vector<float> values;
};

constexpr float tolerance = 1e-3F;

/// Documented in the transformers library: its integration tests and its model cards.
const std::vector<PublishedOutput>& published_outputs() {
  static const std::vector<PublishedOutput> outputs{
      {"clip-vit-base-patch32",
       Output::text_logit,
       {"a photo of a cat", "a photo of a dog"},
       {24.5701F, 19.3049F}},
      {"clip-vit-base-patch32", Output::text_score, {"remote", "cat", "plane"}, {0.511F, 0.485F, 0.004F}},
      {"siglip-base-patch16-224",
       Output::text_logit,
       {"a photo of 2 cats", "a photo of 2 dogs"},
       {-0.7567F, -10.3354F}},
      {"vit-base-patch16-224", Output::class_logit, {}, {-0.2744F, 0.8215F, -0.0836F}},
      {"dinov2-base", Output::embedding, {}, {-2.1747F, -0.4729F, 1.0936F}},
  };
  return outputs;
}

/// The first `count` values of row 0, each called `what` with its position.
void add_first(const Matrix& rows, std::string_view what, const PublishedOutput& published,
               std::vector<VerifiedValue>& values) {
  if (rows.columns < published.values.size()) {
    throw Error(ErrorCode::unsupported, "[verify] expected at least " +
                                            std::to_string(published.values.size()) + " values, got " +
                                            std::to_string(rows.columns));
  }
  for (std::size_t i = 0; i < published.values.size(); ++i) {
    values.push_back({std::string(what) + " " + std::to_string(i), published.values[i], rows[0][i]});
  }
}

void compare(const Model& model, const Pixels& pixels, const PublishedOutput& published,
             std::vector<VerifiedValue>& values) {
  const std::span<const Pixels> one(&pixels, 1);
  if (published.output == Output::class_logit) {
    return add_first(model.classify_pixels(one), "logit of class", published, values);
  }
  auto image = model.encode_pixels(one);
  if (published.output == Output::embedding) {
    return add_first(image, "embedding value", published, values);
  }
  normalize_rows(image);
  const bool is_score = published.output == Output::text_score;
  const std::vector<std::string> templates{is_score ? "This is a photo of {}." : "{}"};
  const ZeroShot classifier(model, published.texts, templates);
  const auto logits = classifier.logits(image);
  const auto scores = scores_of(logits[0], model.info().scoring);
  for (std::size_t i = 0; i < published.texts.size(); ++i) {
    values.push_back({(is_score ? "score of \"" : "logit of \"") + published.texts[i] + "\"",
                      published.values[i], is_score ? scores[i] : logits[0][i]});
  }
}

[[noreturn]] void nothing_published(const std::string& name) {
  std::string known;
  for (const auto& published : published_outputs()) {
    if (known.find(published.model) == std::string::npos) {
      known += (known.empty() ? "" : ", ") + std::string(published.model);
    }
  }
  throw Error(ErrorCode::not_found,
              "[verify] no published outputs are known for " + name + "; there are some for " + known);
}

}  // namespace

float VerifiedValue::difference() const { return std::abs(got - expected); }

bool Verification::passed() const {
  return !values.empty() && std::ranges::all_of(values, [this](const VerifiedValue& value) {
    return value.difference() <= tolerance;  // Not a number is a failure.
  });
}

Verification verify_model(const Model& model, const std::filesystem::path& photo) {
  const auto name = model.info().name;
  const auto belongs = [&](const PublishedOutput& published) { return published.model == name; };
  if (std::ranges::none_of(published_outputs(), belongs)) nothing_published(name);

  const auto pixels = model.preprocess(load_image(photo, {.orientation = Orientation::ignore}));
  Verification verification;
  verification.tolerance = tolerance;
  for (const auto& published : published_outputs())
    if (belongs(published)) compare(model, pixels, published, verification.values);
  return verification;
}

}  // namespace beeld
