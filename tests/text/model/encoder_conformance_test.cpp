// Encoders against the hidden states that transformers gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/format/checkpoint.h"
#include "core/ops/linear.h"
#include "tests/support/npy.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/weight_files.h"
#include "text/model/encoder.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

constexpr double tolerance = 1e-5;  // of hidden states of the size of one

double difference(const Tensor<float>& rows, const testing::Array& expected) {
  EXPECT_EQ(rows.size(), static_cast<std::int64_t>(expected.values.size()));
  if (rows.size() != static_cast<std::int64_t>(expected.values.size())) return 1;
  double largest = 0;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const auto apart =
        std::abs(static_cast<double>(rows.data()[i]) - expected.values[static_cast<std::size_t>(i)]);
    if (!(apart <= largest)) largest = apart;
  }
  return largest;
}

std::vector<std::int32_t> ids_of(const nlohmann::json& row, const char* key) {
  return row[key].get<std::vector<std::int32_t>>();
}

Tensor<float> states_of(const TextTower<float>& tower, std::vector<std::int32_t> ids) {
  const std::vector<std::vector<std::int32_t>> texts{std::move(ids)};
  Pass<float> pass;
  return hidden_states<float>(tower, texts, pass).rows;
}

TEST(EncoderConformance, BertGivesTheReferenceStatesAndPooler) {
  BEELD_NEED_SHARED("conformance/bert/public");
  const auto folder = testing::shared_folder() / "conformance/bert/public";
  const Checkpoint checkpoint(folder / "model.safetensors");
  WeightReader weights(checkpoint, "bert");
  const auto settings = Settings::from_file((folder / "config.json").string());
  auto tower = read_encoder(weights, "bert.", read_encoder_shape(settings, encoder_kind(settings)));
  const auto rows = read_json(folder / "expected/tokens.json");
  EXPECT_LE(difference(states_of(tower, ids_of(rows[0], "input_ids")),
                       testing::read_npy(folder / "expected/hidden_3.npy")),
            tolerance);
  tower.head = {read_pooler(weights, "bert.", tower.config.block.width)};
  std::vector<std::vector<std::int32_t>> texts;
  for (const auto& row : rows) {
    if (!row["text"].is_string()) break;  // pairs, which have a second segment, come last
    texts.push_back(ids_of(row, "input_ids"));
  }
  ASSERT_GT(texts.size(), 8u);
  auto expected = testing::read_npy(folder / "expected/pooler_output.npy");
  expected.values.resize(texts.size() * expected.shape[1]);
  Pass<float> pass;
  EXPECT_LE(difference(encode<float>(tower, texts, pass), expected), tolerance);
}

// The encoder of a T5, under the names that it has inside OpenCLIP: heads are 12 wide and the MLP has no
// gate.
TEST(EncoderConformance, T5GivesTheReferenceStates) {
  BEELD_NEED_SHARED("conformance/t5/public");
  const auto folder = testing::shared_folder() / "conformance/t5/public";
  testing::StoredTensors inside;
  for (const auto& [name, tensor] : testing::read_tensors(folder / "model.safetensors")) {
    if (name.starts_with("encoder.")) inside["text.transformer." + name.substr(8)] = tensor;
    if (name == "shared.weight") inside["text.transformer.embed_tokens.weight"] = tensor;
  }
  const testing::TemporaryFolder temporary;
  testing::write_tensors(temporary / "inside.safetensors", inside);
  const Checkpoint checkpoint(temporary / "inside.safetensors");
  WeightReader weights(checkpoint, "t5");
  const std::string begin = "text.transformer.";
  auto shape = encoder_named("google/mt5-small", weights, begin);
  auto& attention = shape.block.attention;
  attention.heads = attention.key_value_heads = 4;
  attention.head_width = 12;
  shape.block.gating = Gating::none;
  shape.block.activation = Activation::relu;
  shape.block.mlp_width = 96;
  const auto tower = read_encoder(weights, begin, shape);
  weights.done();
  const auto prompts = read_json(folder / "expected/generation.json");
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto file = "expected/encoder_last_hidden_state_" + std::to_string(i) + ".npy";
    EXPECT_LE(difference(states_of(tower, ids_of(prompts[i], "input_ids")), testing::read_npy(folder / file)),
              tolerance)
        << i;
  }
}

}  // namespace
}  // namespace beeld
