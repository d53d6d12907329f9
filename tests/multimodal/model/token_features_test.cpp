// Model::token_features against the reference implementations' last hidden states, and against the
// embeddings.

#include <beeld/error.h>
#include <beeld/model.h>
#include <beeld/tokenizer.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/ops/norm.h"
#include "multimodal/model/model_state.h"
#include "tests/support/expect_error.h"
#include "tests/support/npy.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

// That of the rows which are pooled, in the conformance folder's README.
constexpr double tolerance = 1e-5;

/// A file of the last states of a case's first picture or text.
struct Case {
  const char* folder;
  const char* file;
  enum { image, text } kind;
  /// The reference kept what the last block gave, and the tower's last norm is still to come.
  bool norm_missing = false;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.folder << "/" << c.file; }

class TokenFeaturesConformance : public ::testing::TestWithParam<Case> {};

/// The reference's rows [N,C], normed where it has not done so.
Tensor<float> expected_rows(const Case& c, const fs::path& folder) {
  const auto array = testing::read_npy(folder / "expected" / c.file);
  EXPECT_EQ(array.shape.size(), 3u);
  Tensor<float> rows({static_cast<std::int64_t>(array.shape[1]), static_cast<std::int64_t>(array.shape[2])});
  std::copy_n(array.values.begin(), rows.size(), rows.data());
  if (!c.norm_missing) return rows;
  const auto state = load_checkpoint(folder, {});
  Pass<float> pass;
  return norm(rows, c.kind == Case::image ? state->vision().output_norm : state->text().final_norm, pass);
}

TEST_P(TokenFeaturesConformance, AreTheLastHiddenStates) {
  const auto& c = GetParam();
  const auto name = std::string("conformance/") + c.folder;
  BEELD_NEED_SHARED(name);
  const auto folder = testing::shared_folder() / name;
  const auto model = Model::load(folder);
  TokenFeatures features;
  if (c.kind == Case::image) {
    const auto file = read_json(folder / "inputs/images.json").at(0).get<std::string>();
    const auto image = load_image(folder / "inputs" / file, {.orientation = Orientation::ignore});
    features = model.token_features(std::span(&image, 1));
  } else {
    const auto text = read_json(folder / "inputs/texts.json").at(0).get<std::string>();
    features = model.token_features(std::span(&text, 1));
    EXPECT_EQ(features.items.at(0).ids.size(), features.rows.rows);
  }
  const auto expected = expected_rows(c, folder);
  ASSERT_EQ(features.rows.columns, static_cast<std::size_t>(expected.columns()));
  if (c.kind == Case::image) {
    ASSERT_EQ(features.rows.rows, static_cast<std::size_t>(expected.rows()));
  } else {
    // A causal tower's padding, which no token sees, is in the reference alone.
    ASSERT_LE(features.rows.rows, static_cast<std::size_t>(expected.rows()));
    ASSERT_GT(features.rows.rows, 2u);
  }
  double largest = 0;
  for (std::size_t i = 0; i < features.rows.values.size(); ++i) {
    const double apart = std::abs(static_cast<double>(features.rows.values[i]) - expected.data()[i]);
    if (!(apart <= largest)) largest = apart;
  }
  std::printf("| %s | %s | %.1e |\n", c.folder, c.file, largest);
  EXPECT_LE(largest, tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Families, TokenFeaturesConformance,
    ::testing::Values(Case{"clip/public", "vision_last_hidden_state_first.npy", Case::image},
                      Case{"clip/public", "text_last_hidden_state_first.npy", Case::text},
                      Case{"siglip/public", "vision_last_hidden_state_first.npy", Case::image},
                      Case{"siglip/public", "text_last_hidden_state_first.npy", Case::text},
                      Case{"siglip2/public", "vision_hidden_2.npy", Case::image, true},
                      Case{"siglip2/public", "text_hidden_2.npy", Case::text, true},
                      Case{"siglip2/public_naflex", "vision_hidden_2.npy", Case::image, true},
                      Case{"siglip2/public_naflex", "text_hidden_2.npy", Case::text, true},
                      Case{"chinese_clip/public", "vision_hidden_2.npy", Case::image},
                      Case{"chinese_clip/public", "text_hidden_3.npy", Case::text},
                      Case{"dinov2/public", "last_hidden_state_first.npy", Case::image},
                      Case{"dinov2/public_registers", "last_hidden_state_first.npy", Case::image},
                      Case{"vit/public", "last_hidden_state_first.npy", Case::image},
                      Case{"timm_vit_extra/public_dino", "forward_features_first.npy", Case::image},
                      Case{"timm_vit_extra/public_options", "forward_features_first.npy", Case::image},
                      Case{"timm_vit_extra/public_reg", "forward_features_first.npy", Case::image}));

class TokenFeaturesTest : public ::testing::Test {
 protected:
  TokenFeaturesTest() { testing::write_tiny_model(folder_ / "model"); }

  testing::TemporaryFolder folder_;
};

TEST_F(TokenFeaturesTest, HoldPicturesOneAfterAnother) {
  const auto model = Model::load(folder_ / "model");
  std::vector<Image> images;
  for (std::uint32_t i = 0; i < 20; ++i) images.push_back(testing::wave_picture(48, 40, i));
  const auto all = model.token_features(images);
  ASSERT_EQ(all.items.size(), 20u);
  for (std::size_t b = 0; b < images.size(); ++b) {
    const auto& item = all.items[b];
    EXPECT_EQ(item.special, 1u);
    EXPECT_EQ(item.count, item.special + item.grid_rows * item.grid_columns);
    EXPECT_EQ(item.begin, b * item.count);
    EXPECT_TRUE(item.ids.empty());
    const auto alone = model.token_features(std::span(&images[b], 1));
    ASSERT_EQ(alone.rows.rows, item.count);
    for (std::size_t row = 0; row < item.count; ++row) {
      for (std::size_t i = 0; i < all.rows.columns; ++i)
        ASSERT_NEAR(all.rows[item.begin + row][i], alone.rows[row][i], 2e-6) << b;
    }
  }
  EXPECT_EQ(all.rows.rows, all.items.back().begin + all.items.back().count);
}

TEST_F(TokenFeaturesTest, SayWhichTokenEachRowOfATextIs) {
  const auto model = Model::load(folder_ / "model");
  const std::vector<std::string> texts{"a cat", "",
                                       "two dogs and a very long sentence that has to be cut somewhere"};
  const auto features = model.token_features(texts);
  ASSERT_EQ(features.items.size(), texts.size());
  std::size_t rows = 0;
  for (std::size_t b = 0; b < texts.size(); ++b) {
    const auto& item = features.items[b];
    EXPECT_EQ(item.ids, model.tokenizer().encode(texts[b]));
    EXPECT_EQ(item.begin, rows);
    EXPECT_EQ(item.count, item.ids.size());
    EXPECT_EQ(item.special + item.grid_rows + item.grid_columns, 0u);
    rows += item.count;
  }
  EXPECT_EQ(features.rows.rows, rows);
}

TEST_F(TokenFeaturesTest, OfNothingAreNothing) {
  const auto model = Model::load(folder_ / "model");
  EXPECT_EQ(model.token_features(std::vector<Image>{}).rows.rows, 0u);
  EXPECT_TRUE(model.token_features(std::vector<std::string>{}).items.empty());
}

TEST_F(TokenFeaturesTest, RefusePixelsOfAnotherSize) {
  const auto model = Model::load(folder_ / "model");
  const Pixels pixels{8, 8, std::vector<float>(3 * 8 * 8)};
  testing::expect_error(ErrorCode::invalid_argument, "pixels of 8x8; the model reads",
                        [&] { model.token_features(std::span(&pixels, 1)); });
}

TEST(TokenFeaturesOfAVisionModel, AreOfPicturesOnly) {
  BEELD_NEED_SHARED("conformance/dinov2/public");
  const auto model = Model::load(testing::shared_folder() / "conformance/dinov2/public");
  const std::vector<std::string> texts{"a cat"};
  testing::expect_error(ErrorCode::unsupported, "has no text tower", [&] { model.token_features(texts); });
}

}  // namespace
}  // namespace beeld
