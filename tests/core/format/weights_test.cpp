#include "core/format/weights.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cstring>

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
  EXPECT_EQ(testing::difference(all.weight, join_rows(q.weight, kv.weight)), 0);
  EXPECT_EQ(testing::difference(all.bias, join_rows(q.bias, kv.bias)), 0);
  EXPECT_EQ(kv.bias.data()[0], 4);
  EXPECT_EQ(transpose(all.weight).row(1)[2], all.weight.row(2)[1]);
}

}  // namespace
}  // namespace beeld
