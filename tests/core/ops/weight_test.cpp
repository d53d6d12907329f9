#include "core/ops/weight.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/ops/linear.h"
#include "core/ops/rows.h"
#include "core/tensor/tape.h"
#include "tests/support/expect_error.h"
#include "tests/support/random.h"
#include "tests/support/stored.h"

namespace beeld {
namespace {

using testing::difference;
using testing::expect_error;
using testing::random_tensor;
using testing::rounded_to;
using testing::stored_part;

constexpr WeightType weight_types[] = {WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::int8};

/// How a file holds a matrix, and whether at an address that suits its type.
struct Held {
  DType dtype;
  Layout layout;
  std::size_t offset;

  std::string name() const {
    return std::string(name_of(dtype)) + (layout == Layout::normal ? "" : "Transposed") +
           (offset == 0 ? "" : "Unaligned");
  }
};

std::vector<Held> all_ways() {
  std::vector<Held> ways;
  for (const auto dtype : {DType::f32, DType::f16, DType::bf16, DType::f64}) {
    for (const auto layout : {Layout::normal, Layout::transposed})
      for (const std::size_t offset : {0, 1}) ways.push_back({dtype, layout, offset});
  }
  return ways;
}

class StoredWeights : public ::testing::TestWithParam<Held> {
 protected:
  StoredPart part(const Tensor<float>& matrix) const {
    return stored_part(matrix, GetParam().dtype, GetParam().layout, GetParam().offset);
  }

  /// Normal values that the file's type has.
  Tensor<float> values(Shape shape, std::uint64_t seed) const {
    return rounded_to(GetParam().dtype, random_tensor<float>(shape, seed));
  }
};

TEST_P(StoredWeights, AreReadAsTheyWere) {
  const auto above = values({75, 33}, 1), below = values({70, 33}, 2);
  const StoredMatrix one({part(above)}), both({part(above), part(below)});
  EXPECT_EQ(one.shape(), (Shape{75, 33}));
  EXPECT_EQ(both.shape(), (Shape{145, 33}));
  EXPECT_EQ(difference(one.read(0, 75), above), 0);
  EXPECT_EQ(difference(one.read(3, 70), above.slice(3, 70)), 0);
  EXPECT_EQ(difference(both.read(0, 75), above), 0);
  EXPECT_EQ(difference(both.read(75, 145), below), 0);
  EXPECT_EQ(difference(both.read(74, 76).slice(1, 2), below.slice(0, 1)), 0);
  EXPECT_EQ(one.read(5, 5).size(), 0);

  const auto slice = both.slice(70, 80);
  EXPECT_EQ(slice.shape(), (Shape{10, 33}));
  EXPECT_EQ(difference(slice.read(0, 5), above.slice(70, 75)), 0);
  EXPECT_EQ(difference(slice.slice(2, 10).read(3, 8), below.slice(0, 5)), 0);
  expect_error(ErrorCode::invalid_argument, "rows 0 to 146 of [145,33]", [&] { both.read(0, 146); });
  expect_error(ErrorCode::invalid_argument, "rows 0 to 11 of [10,33]", [&] { slice.read(0, 11); });
  expect_error(ErrorCode::invalid_argument, "rows -1 to 3 of [10,33]", [&] { slice.slice(-1, 3); });
}

TEST_P(StoredWeights, MultiplyAsPlainOnes) {
  const auto weight = values({97, 40}, 1), bias = random_tensor<float>({97}, 2);
  const Linear<float> plain{weight, bias}, stored{StoredMatrix({part(weight)}), bias};
  const auto x = random_tensor<float>({5, 40}, 3), residual = random_tensor<float>({5, 97}, 4);
  Pass<float> pass;
  EXPECT_EQ(difference(linear(x, stored, pass), linear(x, plain, pass)), 0);
  EXPECT_EQ(difference(linear_residual(x, stored, residual, pass), linear_residual(x, plain, residual, pass)),
            0);
  const auto some = slice_outputs(stored, 30, 90), same = slice_outputs(plain, 30, 90);
  EXPECT_EQ(difference(linear(x, some, pass), linear(x, same, pass)), 0);
}

TEST_P(StoredWeights, ArePackedAsPlainOnes) {
  const auto weight = values({97, 40}, 1), bias = random_tensor<float>({97}, 2);
  const auto x = random_tensor<float>({5, 40}, 3);
  Pass<float> pass;
  for (const auto type : weight_types) {
    Linear<float> plain{weight, bias}, stored{StoredMatrix({part(weight)}), bias};
    auto some = slice_outputs(stored, 30, 90), same = slice_outputs(plain, 30, 90);
    for (auto* weights : {&plain, &stored, &some, &same}) {
      pack(*weights, type);
      EXPECT_NE(weights->weight.packed(), nullptr);
    }
    EXPECT_EQ(stored.weight.shape(), weight.shape());
    EXPECT_EQ(difference(linear(x, stored, pass), linear(x, plain, pass)), 0) << name_of(type);
    EXPECT_EQ(difference(linear(x, some, pass), linear(x, same, pass)), 0) << name_of(type);
  }
}

TEST_P(StoredWeights, AreGatheredAsPlainOnes) {
  const auto table = values({50, 19}, 1);
  const Weight<float> stored = StoredMatrix({part(table)});
  const std::vector<std::int64_t> ids{49, 0, 7, 7, 30};
  Pass<float> pass;
  EXPECT_EQ(difference(gather<float>(stored, ids, pass), gather<float>(table, ids, pass)), 0);
  for (const std::int64_t id : {-1, 50}) {
    expect_error(ErrorCode::invalid_argument, "row " + std::to_string(id) + " of a table of 50",
                 [&] { gather<float>(stored, std::vector{id}, pass); });
  }
}

INSTANTIATE_TEST_SUITE_P(Files, StoredWeights, ::testing::ValuesIn(all_ways()),
                         [](const auto& way) { return way.param.name(); });

TEST(Weight, IsNeverAShapeWithoutValues) {
  EXPECT_TRUE(Weight<float>().empty());
  EXPECT_TRUE(Weight<float>(Tensor<float>{}).empty());
  expect_error(ErrorCode::invalid_argument, "expected values of [3,4], got none", [] {
    Weight<float>(Tensor<float>::view({3, 4}, nullptr, nullptr));
  });
  expect_error(ErrorCode::invalid_argument, "a stored matrix of no parts", [] { StoredMatrix({}); });
  expect_error(ErrorCode::invalid_argument, "got one that is absent", [] { Weight<float>().plain(); });
}

TEST(Weight, InAlignedFloatsIsTheFilesOwnMemory) {
  const auto table = random_tensor<float>({50, 16}, 1);
  const auto part = stored_part(table, DType::f32, Layout::normal, 0);
  const Weight<float> weight = StoredMatrix({part});
  EXPECT_EQ(reinterpret_cast<const std::byte*>(weight.read().data()), part.values);
  EXPECT_EQ(weight.slice(2, 9).read(1, 4).data(), weight.read().row(3));
}

TEST(Weight, ThatIsPackedLeavesNoOtherCopy) {
  auto values = random_tensor<float>({50, 16}, 1);
  Linear<float> weights{values, {}};
  EXPECT_FALSE(values.unique());
  pack(weights);
  EXPECT_TRUE(values.unique());
  expect_error(ErrorCode::invalid_argument, "got one that is packed, [50,16]",
               [&] { weights.weight.read(); });
  expect_error(ErrorCode::invalid_argument, "got one that is packed, [50,16]",
               [&] { slice_outputs(weights, 0, 3); });
}

/// Expects the error that says which form of a weight has no gradient.
template <class Call>
void expect_refused(const Call& call, const std::string& operation, const std::string& form) {
  try {
    call();
    ADD_FAILURE() << operation << " recorded a weight that is " << form;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    const std::string what = error.what();
    EXPECT_NE(what.find("[" + operation + "]"), std::string::npos) << what;
    EXPECT_NE(what.find(form), std::string::npos) << what;
  }
}

TEST(Weight, ThatIsComputedGivesWhatItsRowsAre) {
  const auto weight = random_tensor<float>({70, 33}, 1), x = random_tensor<float>({5, 33}, 2);
  const auto rows = [weight](std::int64_t begin, std::int64_t end) { return weight.slice(begin, end); };
  const Linear<float> computed{ComputedMatrix(weight.shape(), rows), {}}, plain{weight, {}};
  Pass<float> pass;
  EXPECT_EQ(computed.weight.shape(), weight.shape());
  EXPECT_EQ(difference(linear(x, computed, pass), linear(x, plain, pass)), 0);
  const auto some = slice_outputs(computed, 30, 64);
  EXPECT_EQ(difference(some.weight.read(3, 9), weight.slice(33, 39)), 0);
  EXPECT_EQ(difference(linear(x, some, pass), linear(x, slice_outputs(plain, 30, 64), pass)), 0);
  auto packed = computed, same = plain;
  pack(packed);
  pack(same);
  EXPECT_EQ(difference(linear(x, packed, pass), linear(x, same, pass)), 0);
  expect_error(ErrorCode::invalid_argument, "rows 60 to 71 of a computed matrix [70,33]",
               [&] { computed.weight.read(60, 71); });
  expect_error(ErrorCode::invalid_argument, "got one that is computed", [&] { computed.weight.plain(); });
  Tape<float> tape;
  pass.tape = &tape;
  expect_error(ErrorCode::invalid_argument, "that is computed from others",
               [&] { linear(x, computed, pass); });
}

// Also with BEELD_ISA=scalar and without oneDNN: nothing is multiplied.
TEST(Weight, WithoutAGradientIsRefusedByATape) {
  const auto weight = random_tensor<float>({6, 4}, 1), x = random_tensor<float>({5, 4}, 2);
  const auto residual = random_tensor<float>({5, 6}, 3);
  Linear<float> packed{weight, {}};
  pack(packed);
  const Linear<float> stored{StoredMatrix({stored_part(weight, DType::f16, Layout::normal, 0)}), {}};
  const std::vector<std::int64_t> ids{0, 3};
  Tape<float> tape;
  Pass<float> pass;
  pass.tape = &tape;
  tape.watch(x);
  for (const auto& [weights, form] : {std::pair(packed, "packed"), std::pair(stored, "stored")}) {
    expect_refused([&] { linear(x, weights, pass); }, "linear", form);
    expect_refused([&] { linear_residual(x, weights, residual, pass); }, "linear", form);
    expect_refused([&] { gather<float>(weights.weight, ids, pass); }, "gather", form);
  }
  Pass<float> inference;
  expect_refused([&] { gather<float>(packed.weight, ids, inference); }, "weight", "packed");
}

}  // namespace
}  // namespace beeld
