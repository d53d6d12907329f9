#include "core/format/weights.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "core/format/named_tensors.h"
#include "core/transformer/parameters.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

/// A checkpoint file with the named tensors, each filled with 0, 1, 2, ...
class Weights : public ::testing::Test {
 protected:
  void store(const std::string& name, std::vector<std::int64_t> shape, DType dtype = DType::f32) {
    std::int64_t count = 1;
    for (const auto extent : shape) count *= extent;
    auto& bytes = bytes_[name];
    bytes.resize(static_cast<std::size_t>(count) * size_of(dtype));
    for (std::int64_t i = 0; i < count && dtype == DType::f32; ++i) {
      const auto value = static_cast<float>(i);
      std::memcpy(bytes.data() + i * 4, &value, 4);
    }
    tensors_[name] = {dtype, std::move(shape), bytes};
  }

  void store_values(const std::string& name, const Tensor<float>& values) {
    const std::span bytes(values.data(), static_cast<std::size_t>(values.size()));
    bytes_[name].assign(std::as_bytes(bytes).begin(), std::as_bytes(bytes).end());
    tensors_[name] = {DType::f32, {values.rows(), values.columns()}, bytes_[name]};
  }

  Checkpoint open() {
    const auto file = folder_ / "model.safetensors";
    write_safetensors(file, tensors_);
    return Checkpoint(file);
  }

 private:
  testing::TemporaryFolder folder_;
  std::map<std::string, std::vector<std::byte>> bytes_;
  std::map<std::string, TensorData, std::less<>> tensors_;
};

TEST_F(Weights, AreReadByNameAndShape) {
  store("a", {1, 3, 4});
  store("conv", {2, 3, 2, 2});
  store("one", {});
  const auto checkpoint = open();
  WeightReader reader(checkpoint, "test");
  EXPECT_EQ(reader.read("a", {3, 4}).row(2)[1], 9);
  EXPECT_EQ(reader.read("conv", {2, 12}).row(1)[0], 12);
  EXPECT_EQ(reader.scalar("one"), 0);
  EXPECT_EQ(reader.parameters(), 12u + 24u + 1u);
  EXPECT_NO_THROW(reader.done());
}

// A decoder's block of its own shapes: width 4, two heads of 3 with one for keys, a memory 5 wide.
TEST_F(Weights, OfABlockWithAMemoryAreRead) {
  for (const auto* norm : {"n1.", "n2.", "n3."}) store(std::string("0.") + norm + "weight", {4});
  store("0.q.weight", {6, 4});
  for (const auto* name : {"0.k.weight", "0.v.weight"}) store(name, {3, 4});
  store("0.o.weight", {4, 6});
  store("0.cross.q.weight", {6, 4});
  for (const auto* name : {"0.cross.k.weight", "0.cross.v.weight"}) store(name, {3, 5});
  store("0.cross.o.weight", {4, 6});
  store("0.up.weight", {7, 4});
  store("0.down.weight", {4, 7});
  store("0.bias.weight", {8, 2});
  BlockConfig config;
  config.width = 4;
  config.mlp_width = 7;
  config.norm = NormKind::rms;
  config.mlp_bias = Bias::absent;
  auto& attention = config.attention;
  attention.heads = 2;
  attention.key_value_heads = 1;
  attention.head_width = 3;
  attention.query_key_value_bias = attention.output_bias = Bias::absent;
  config.cross_attention = attention;
  config.memory_width = 5;
  attention.position = PositionScheme::relative_bias;
  attention.relative.count = 8;
  const BlockNames names{.attention_norm = "n1.",
                         .query = "q.",
                         .key = "k.",
                         .value = "v.",
                         .output = "o.",
                         .cross_attention_norm = "n2.",
                         .cross_query = "cross.q.",
                         .cross_key = "cross.k.",
                         .cross_value = "cross.v.",
                         .cross_output = "cross.o.",
                         .mlp_norm = "n3.",
                         .up = "up.",
                         .down = "down.",
                         .relative_bias = "bias.weight"};
  const auto prefix = [](int layer) { return std::to_string(layer) + "."; };
  const auto checkpoint = open();
  WeightReader reader(checkpoint, "test");
  const auto stack = reader.transformer(config, 1, names, prefix);
  EXPECT_NO_THROW(reader.done());
  const auto& cross = stack.blocks[0].cross_attention;
  EXPECT_EQ(cross.key_value.weight.shape(), (Shape{6, 5}));
  EXPECT_EQ(cross.key_value.weight.read().row(4)[2], 7);
  EXPECT_EQ(stack.relative_bias.row(7)[1], 15);

  // The same shapes are drawn for a model that is yet to learn, and all of it can learn.
  auto drawn = WeightReader(7).transformer(config, 1, names, prefix);
  std::int64_t parameters = 0;
  visit_parameters(drawn, [&](const Tensor<float>& values, Decay) { parameters += values.size(); });
  EXPECT_EQ(parameters, static_cast<std::int64_t>(reader.parameters()));
}

TEST_F(Weights, OfAnotherShapeAreRefused) {
  store("a", {3, 4});
  store("integers", {3}, DType::i64);
  const auto checkpoint = open();
  WeightReader reader(checkpoint, "test");
  testing::expect_error(ErrorCode::corrupt, "a should be [4,3], but is [3,4]", [&] {
    reader.read("a", {4, 3});
  });
  testing::expect_error(ErrorCode::corrupt, "but there is no such tensor", [&] { reader.read("b", {3, 4}); });
  testing::expect_error(ErrorCode::corrupt, "of floating point", [&] { reader.read("integers", {3}); });
}

TEST_F(Weights, ThatNobodyReadAreNamed) {
  store("used", {2});
  store("model.position_ids", {2}, DType::i64);
  store("blocks.0.gate", {2});
  const auto checkpoint = open();
  WeightReader reader(checkpoint, "test");
  reader.read("used", {2});
  reader.ignore({".position_ids"});
  try {
    reader.done();
    FAIL() << "blocks.0.gate was never read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(error.what()).find("blocks.0.gate"), std::string::npos);
    EXPECT_EQ(std::string(error.what()).find("position_ids"), std::string::npos);
  }
}

TEST_F(Weights, PackedOrApartGiveTheSameProjections) {
  store("packed.weight", {12, 4});
  store("packed.bias", {12});
  const auto checkpoint = open();
  WeightReader reader(checkpoint, "test");
  const auto all = reader.linear("packed.", {12, 4}, Bias::present);
  const auto q = slice_outputs(all, 0, 4), kv = slice_outputs(all, 4, 12);
  EXPECT_EQ(testing::difference(all.weight.read(), join_rows(q.weight.read(), kv.weight.read())), 0);
  EXPECT_EQ(testing::difference(all.bias, join_rows(q.bias, kv.bias)), 0);
  EXPECT_EQ(kv.bias.data()[0], 4);
  EXPECT_EQ(transpose(all.weight.read()).row(1)[2], all.weight.read().row(2)[1]);
}

TEST_F(Weights, StayInTheirFileUnlessTheyWillChange) {
  store("table", {5, 4});
  store("p.weight", {6, 4});
  store("p.bias", {6});
  const auto checkpoint = open();
  for (const auto use : {WeightUse::inference, WeightUse::training}) {
    WeightReader reader(checkpoint, "test", use);
    const auto table = reader.table("table", {5, 4});
    const auto linear = reader.linear("p.", {6, 4}, Bias::present);
    for (const auto* weight : {&table, &linear.weight}) {
      EXPECT_EQ(weight->stored() != nullptr, use == WeightUse::inference);
      EXPECT_EQ(weight->is_plain(), use == WeightUse::training);
      EXPECT_EQ(weight->read().row(4)[2], 18);
    }
    EXPECT_EQ(reader.parameters(), 20u + 24u + 6u);
    EXPECT_EQ(reader.named().size(), use == WeightUse::training ? 3u : 0u);
    EXPECT_NO_THROW(reader.done());
  }
}

TEST_F(Weights, MayLieTransposed) {
  store("m", {4, 6});
  const auto checkpoint = open();
  for (const auto use : {WeightUse::inference, WeightUse::training}) {
    WeightReader reader(checkpoint, "test", use);
    testing::expect_error(ErrorCode::corrupt, "m should be [6,4], but is [4,6]", [&] {
      reader.matrix("m", {6, 4});
    });
    testing::expect_error(ErrorCode::corrupt, "m should be [6,4], but is [4,6]", [&] {
      reader.matrix("m", {4, 6}, Layout::transposed);
    });
    const auto matrix = reader.matrix("m", {6, 4}, Layout::transposed);
    EXPECT_EQ(matrix.shape(), (Shape{6, 4}));
    EXPECT_EQ(matrix.read().row(5)[2], 2 * 6 + 5);
    EXPECT_EQ(matrix.slice(4, 6).read().row(1)[2], 2 * 6 + 5);
    if (use == WeightUse::inference) continue;

    // What learned is written as the format has it.
    testing::TemporaryFolder folder;
    write_named_tensors(folder / "written.safetensors", reader.named(), DType::f32);
    const SafetensorsFile written(folder / "written.safetensors");
    const auto &again = written.tensors().at("m"), &before = *checkpoint.find("m");
    EXPECT_EQ(again.shape, before.shape);
    EXPECT_TRUE(std::ranges::equal(again.bytes, before.bytes));
  }
}

TEST_F(Weights, OfTransposedBlocksAreThoseOfOthers) {
  BlockConfig config;
  config.width = 4;
  config.mlp_width = 6;
  set_heads(config, 2);
  BlockNames names = resblock_names;
  for (const std::string part : {"ln_1", "ln_2"}) {
    store(part + ".weight", {4});
    store(part + ".bias", {4});
  }
  const std::map<std::string, Shape> matrices{
      {"attn.in_proj_", {12, 4}}, {"attn.out_proj.", {4, 4}}, {"mlp.c_fc.", {6, 4}}, {"mlp.c_proj.", {4, 6}}};
  const auto read = [&](Layout layout) {
    names.layout = layout;
    std::uint64_t seed = 0;
    for (const auto& [prefix, shape] : matrices) {
      auto values = testing::random_tensor<float>(shape, ++seed);
      if (layout == Layout::transposed) values = transpose(values);
      store_values(prefix + "weight", values);
      store(prefix + "bias", {shape[0]});
    }
    const auto checkpoint = open();
    WeightReader reader(checkpoint, "test");
    auto stack = reader.transformer(config, 1, names, [](int) { return ""; });
    EXPECT_NO_THROW(reader.done());
    return stack;
  };
  const auto normal = read(Layout::normal), transposed = read(Layout::transposed);
  const auto x = testing::random_tensor<float>({5, 4}, 9);
  const auto five = Sequences::equal(1, 5);
  const auto through = [&](const Transformer<float>& stack) {
    Pass<float> pass;
    return transformer(x.clone(), stack, {five}, pass);
  };
  EXPECT_EQ(testing::difference(through(normal), through(transposed)), 0);
}

}  // namespace
}  // namespace beeld
