// Every checkpoint of the shared conformance folder against the reference implementation's outputs, at the
// tolerances that folder states. Prints one line a case: the README's table of families.

#include <beeld/model.h>
#include <beeld/tokenizer.h>
#include <beeld/zero_shot.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/npy.h"
#include "tests/support/shared.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

constexpr double logit_tolerance = 2e-5;
constexpr double pooled_tolerance = 1e-5;
constexpr double pixel_tolerance = 1e-6;
constexpr double feature_tolerance = 1e-5;  // of texts as the tower gives them

/// Of embeddings and logits, where a family's float32 is farther from exact arithmetic than that of the
/// others.
struct Tolerance {
  double embeddings = 2e-6;
  double logits = logit_tolerance;
};

Tolerance tolerance_of(const fs::path& folder) {
  const auto family = folder.parent_path().filename();
  if (family == "open_clip_rn") return {5e-6, 1e-4};
  if (family == "mobileclip") return {2e-6, 5e-5};
  return {};
}

double difference(std::span<const float> values, const testing::Array& expected) {
  EXPECT_EQ(values.size(), expected.values.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(values.size(), expected.values.size()); ++i) {
    const double apart = std::abs(static_cast<double>(values[i]) - expected.values[i]);
    if (!(apart <= largest)) largest = apart;  // also when it is not a number
  }
  return largest;
}

std::vector<Pixels> read_pixels(const Model& model, const fs::path& folder) {
  std::vector<Pixels> pixels;
  for (const auto& name : read_json(folder / "inputs/images.json")) {
    const auto image =
        load_image(folder / "inputs" / name.get<std::string>(), {.orientation = Orientation::ignore});
    pixels.push_back(model.preprocess(image));
  }
  return pixels;
}

/// Pixels of equal size against the reference's [N,3,H,W].
double pixel_difference(const std::vector<Pixels>& pixels, const fs::path& folder) {
  const auto file = folder / "expected/pixel_values.npy";
  if (!fs::exists(file)) return 0;  // those of another case
  const auto expected = testing::read_npy(file);
  if (expected.shape.size() != 4) return 0;  // NaFlex: patches, compared in tests/vision
  std::vector<float> values;
  for (const auto& picture : pixels)
    values.insert(values.end(), picture.values.begin(), picture.values.end());
  return difference(values, expected);
}

int count_wrong_tokens(const Model& model, const fs::path& folder) {
  int wrong = 0;
  for (const auto& row : read_json(folder / "expected/tokens.json")) {
    const auto ids = model.tokenizer().encode(row["text"].get<std::string>());
    auto padded = ids;
    const auto expected = row["input_ids"].get<std::vector<std::int32_t>>();
    padded.resize(std::max(expected.size(), padded.size()), model.tokenizer().pad_id());
    if (padded != expected) ++wrong;
    if (row.contains("ids_full") && model.tokenizer().encode_full(row["text"].get<std::string>()) !=
                                        row["ids_full"].get<std::vector<std::int32_t>>()) {
      ++wrong;
    }
  }
  return wrong;
}

Matrix logits_of(const Model& model, const Matrix& images, const Matrix& texts) {
  Matrix logits(images.rows, texts.rows);
  for (std::size_t i = 0; i < images.rows; ++i) {
    for (std::size_t k = 0; k < texts.rows; ++k) {
      logits[i][k] = model.info().logit_scale * dot(images[i], texts[k]) + model.info().logit_bias;
    }
  }
  return logits;
}

void check_dual_encoder(const fs::path& folder) {
  SCOPED_TRACE(folder.string());
  const auto model = Model::load(folder);
  const auto pixels = read_pixels(model, folder);
  auto images = model.encode_pixels(pixels);
  auto texts = model.encode_texts(read_json(folder / "inputs/texts.json").get<std::vector<std::string>>());
  normalize_rows(images);
  normalize_rows(texts);
  const auto logits = logits_of(model, images, texts);
  std::vector<float> probabilities;
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const auto scores = scores_of(logits[i], model.info().scoring);
    probabilities.insert(probabilities.end(), scores.begin(), scores.end());
  }

  const auto expected = folder / "expected";
  const int wrong_tokens = count_wrong_tokens(model, folder);
  const double pixel = pixel_difference(pixels, folder);
  const double image = difference(images.values, testing::read_npy(expected / "image_embeds.npy"));
  const double text = difference(texts.values, testing::read_npy(expected / "text_embeds.npy"));
  const double logit = difference(logits.values, testing::read_npy(expected / "logits_per_image.npy"));
  std::printf("| %s | %s/%s | tokens %s | pixels %.1e | images %.1e | texts %.1e | logits %.1e |\n",
              model.info().family.c_str(), folder.parent_path().filename().c_str(), folder.filename().c_str(),
              wrong_tokens == 0 ? "equal" : "DIFFER", pixel, image, text, logit);
  EXPECT_EQ(wrong_tokens, 0);
  EXPECT_LE(pixel, pixel_tolerance);
  const auto tolerance = tolerance_of(folder);
  EXPECT_LE(image, tolerance.embeddings);
  EXPECT_LE(text, tolerance.embeddings);
  EXPECT_LE(logit, tolerance.logits);
  if (fs::exists(expected / "probs.npy")) {
    EXPECT_LE(difference(probabilities, testing::read_npy(expected / "probs.npy")), logit_tolerance);
  }
}

void check_classifier(const fs::path& folder) {
  SCOPED_TRACE(folder.string());
  const auto model = Model::load(folder);
  const auto pixels = read_pixels(model, folder);
  const double pixel = pixel_difference(pixels, folder);
  EXPECT_LE(pixel, pixel_tolerance);
  const auto row = [&](const char* what, double value) {
    std::printf("| %s | %s/%s | pixels %.1e | %s %.1e |\n", model.info().family.c_str(),
                folder.parent_path().filename().c_str(), folder.filename().c_str(), pixel, what, value);
  };
  bool compared = false;
  // Where there are classes, the pooled row is measured by their logits; ViT's pooler is a layer that no
  // embedding passes through.
  if (const auto file = folder / "expected/pooler_output.npy";
      fs::exists(file) && model.info().classes.empty()) {
    const double pooled = difference(model.encode_pixels(pixels).values, testing::read_npy(file));
    row("pooled", pooled);
    EXPECT_LE(pooled, pooled_tolerance);
    compared = true;
  }
  if (const auto file = folder / "expected/logits.npy"; fs::exists(file)) {
    const double logit = difference(model.classify_pixels(pixels).values, testing::read_npy(file));
    row("logits", logit);
    EXPECT_LE(logit, logit_tolerance);
    EXPECT_EQ(model.info().classes.size(), model.classify_pixels(pixels).columns);
    compared = true;
  }
  EXPECT_TRUE(compared) << "nothing to compare in " << folder;
}

/// A model of texts alone: its ids, and its embeddings as they are and at unit length.
void check_text_encoder(const fs::path& folder) {
  SCOPED_TRACE(folder.string());
  const auto model = Model::load(folder);
  EXPECT_FALSE(model.info().has_images);
  auto texts = model.encode_texts(read_json(folder / "inputs/texts.json").get<std::vector<std::string>>());
  const double feature = difference(texts.values, testing::read_npy(folder / "expected/text_features.npy"));
  normalize_rows(texts);
  const double text = difference(texts.values, testing::read_npy(folder / "expected/text_embeds.npy"));
  const int wrong_tokens = count_wrong_tokens(model, folder);
  std::printf("| %s | %s/%s | tokens %s | texts %.1e | features %.1e |\n", model.info().family.c_str(),
              folder.parent_path().filename().c_str(), folder.filename().c_str(),
              wrong_tokens == 0 ? "equal" : "DIFFER", text, feature);
  EXPECT_EQ(wrong_tokens, 0);
  EXPECT_LE(text, tolerance_of(folder).embeddings);
  EXPECT_LE(feature, feature_tolerance);
}

void for_each_case(const char* family, void (*check)(const fs::path&)) {
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(testing::shared_folder() / "conformance" / family)) {
    if (!fs::exists(entry.path() / "expected")) continue;
    check(entry.path());
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

class Conformance : public ::testing::TestWithParam<const char*> {};

TEST_P(Conformance, DualEncoder) {
  const auto folder = std::string("conformance/") + GetParam();
  BEELD_NEED_SHARED(folder);
  for_each_case(GetParam(), check_dual_encoder);
}

INSTANTIATE_TEST_SUITE_P(Families, Conformance,
                         ::testing::Values("clip", "open_clip", "open_clip_hf", "open_clip_rn", "eva_clip",
                                           "mobileclip", "siglip", "siglip2", "chinese_clip", "pickle",
                                           "pickle/hostile"),
                         [](const auto& family) {
                           std::string name = family.param;
                           std::ranges::replace(name, '/', '_');
                           return name;
                         });

class ClassifierConformance : public ::testing::TestWithParam<const char*> {};

TEST_P(ClassifierConformance, Classifier) {
  const auto folder = std::string("conformance/") + GetParam();
  BEELD_NEED_SHARED(folder);
  for_each_case(GetParam(), check_classifier);
}

INSTANTIATE_TEST_SUITE_P(Families, ClassifierConformance, ::testing::Values("vit", "dinov2"),
                         [](const auto& family) { return std::string(family.param); });

TEST(TimmConformance, ClassifiersAndTowersInsideOpenClip) {
  BEELD_NEED_SHARED("conformance/timm_vit_extra");
  for_each_case("timm_vit_extra", [](const fs::path& folder) {
    fs::exists(folder / "open_clip_config.json") ? check_dual_encoder(folder) : check_classifier(folder);
  });
}

TEST(TextConformance, EncodersOfTextsAlone) {
  BEELD_NEED_SHARED("conformance/m_clip");
  for_each_case("m_clip", check_text_encoder);
}

}  // namespace
}  // namespace beeld
