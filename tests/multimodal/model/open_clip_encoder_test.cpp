// A text encoder of Hugging Face's inside OpenCLIP: its poolers and projections, by hand from the hidden
// states of the reference case.

#include <beeld/error.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::StoredTensor;

constexpr std::int64_t width = 128, embedding = 24;
constexpr double tolerance = 2e-5;  // of values that are not of length one

/// y = W x
std::vector<double> product(const StoredTensor& matrix, const std::vector<double>& x) {
  std::vector<double> y(static_cast<std::size_t>(matrix.shape[0]));
  for (std::size_t i = 0; i < y.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j)
      y[i] += static_cast<double>(matrix.values[i * x.size() + j]) * x[j];
  }
  return y;
}

class OpenClipEncoder : public ::testing::Test {
 protected:
  void SetUp() override {
    BEELD_NEED_SHARED("conformance/open_clip_hf/public");
    const auto original = testing::shared_folder() / "conformance/open_clip_hf/public";
    fs::copy(original, place, fs::copy_options::recursive);
    config = read_json(place / "open_clip_config.json");
    weights = testing::read_tensors(place / "open_clip_model.safetensors");
    // Before the pooler, which has hidden states no say.
    states = Model::load(original).token_features(std::span(&text, 1)).rows;
  }

  Model load(const json& text_settings) {
    auto changed = config;
    for (const auto& [key, value] : text_settings.items()) changed["model_cfg"]["text_cfg"][key] = value;
    write_file_atomically(place / "open_clip_config.json", changed.dump());
    fs::remove(place / "open_clip_model.safetensors");
    testing::write_tensors(place / "open_clip_model.safetensors", weights);
    return Model::load(place);
  }

  void expect_embedding(const json& text_settings, const std::vector<double>& expected) {
    const auto rows = load(text_settings).encode_texts(std::span(&text, 1));
    ASSERT_EQ(rows.columns, expected.size());
    for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_NEAR(rows[0][j], expected[j], tolerance);
  }

  std::vector<double> mean() const {
    std::vector<double> sum(width);
    for (std::size_t i = 0; i < states.rows; ++i) {
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += states[i][j] / static_cast<double>(states.rows);
    }
    return sum;
  }
  std::vector<double> first() const { return {states[0].begin(), states[0].end()}; }

  void replace_projection() {
    std::erase_if(weights, [](const auto& tensor) { return tensor.first.starts_with("text.proj."); });
    weights["text.proj.weight"] = testing::random_stored({embedding, width}, 5);
    for (auto& value : weights["text.proj.weight"].values) value /= 10;
  }

  testing::TemporaryFolder folder;
  fs::path place = folder / "model";
  json config;
  testing::StoredTensors weights;
  std::string text = "two dogs playing in the snow!";
  Matrix states;
};

TEST_F(OpenClipEncoder, ProjectsOnceOrTwice) {
  auto hidden = product(weights.at("text.proj.0.weight"), mean());
  for (auto& x : hidden) x = x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  const auto twice = product(weights.at("text.proj.2.weight"), hidden);
  expect_embedding(json::object(), twice);
  expect_embedding({{"hf_proj_type", "mlp"}, {"hf_pooler_type", "mean_pooler"}}, twice);
  replace_projection();
  expect_embedding({{"hf_proj_type", "linear"}}, product(weights.at("text.proj.weight"), mean()));
}

TEST_F(OpenClipEncoder, PoolsTheFirstTokenWithOrWithoutTheEncodersOwnPooler) {
  replace_projection();
  const auto& matrix = weights.at("text.proj.weight");
  const json linear{{"hf_proj_type", "linear"}};
  const auto with = [&](const json& pooler) {
    auto settings = linear;
    settings["hf_pooler_type"] = pooler;
    return settings;
  };
  expect_embedding(with("cls_last_hidden_state_pooler"), product(matrix, first()));
  expect_embedding(with(nullptr), product(matrix, mean()));  // XLM-RoBERTa's default
  weights["text.transformer.pooler.dense.weight"] = testing::random_stored({width, width}, 7);
  weights["text.transformer.pooler.dense.bias"] = testing::random_stored({width}, 8);
  for (auto& value : weights["text.transformer.pooler.dense.weight"].values) value /= 10;
  auto pooled = product(weights.at("text.transformer.pooler.dense.weight"), first());
  for (std::size_t j = 0; j < pooled.size(); ++j) {
    const double bias = weights.at("text.transformer.pooler.dense.bias").values[j];
    pooled[j] = std::tanh(pooled[j] + bias);
  }
  expect_embedding(with("cls_pooler"), product(matrix, pooled));
  expect_embedding(with("cls_last_hidden_state_pooler"), product(matrix, first()));
}

// Half the pad tokens of the reference are those that fill up, and a text may hold the others itself.
TEST_F(OpenClipEncoder, LeavesPaddingOutThatATextHolds) {
  const auto model = load(json::object());
  const std::vector<std::string> texts{text, "<pad>" + text, text + "<pad><pad>"};
  const auto rows = model.encode_texts(texts);
  for (std::size_t j = 0; j < rows.columns; ++j) {
    EXPECT_NEAR(rows[0][j], rows[1][j], 1e-6);
    EXPECT_NEAR(rows[0][j], rows[2][j], 1e-6);
  }
}

TEST_F(OpenClipEncoder, IsRefusedForWhatItDoesNotCompute) {
  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"hf_pooler_type", "max_pooler"}, {"hf_proj_type", "none"}, {"hf_model_name", "gpt2"}}) {
    testing::expect_error(ErrorCode::unsupported, value.c_str(), [&] { load({{key, value}}); });
  }
  testing::expect_error(ErrorCode::unsupported,
                        "hf_proj_type is null, with 128 channels for an embed_dim of 24", [&] {
                          load({{"hf_proj_type", nullptr}});
                        });
  weights["text.transformer.embeddings.word_embeddings.weight"].shape.back() = 64;
  weights["text.transformer.embeddings.word_embeddings.weight"].shape.front() *= 2;
  testing::expect_error(ErrorCode::corrupt, "should be [82,64], but is [82,128]",
                        [&] { load(json::object()); });
}

}  // namespace
}  // namespace beeld
