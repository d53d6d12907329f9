#include "core/tensor/tape.h"

#include <gtest/gtest.h>

#include "core/ops/activation.h"
#include "core/ops/rows.h"
#include "core/transformer/attention.h"
#include "tests/support/random_weights.h"

namespace beeld {
namespace {

using testing::difference;
using testing::random_linear;
using testing::random_tensor;

Tensor<double> scaled(const Tensor<double>& x, double factor) {
  auto y = x.clone();
  for (std::int64_t i = 0; i < y.size(); ++i) y.data()[i] *= factor;
  return y;
}

TEST(Tape, GivesNoGradientOfWhatIsNotWatched) {
  const auto x = random_tensor<double>({4, 3}, 1);
  const auto w = random_linear<double>({2, 3}, 2);
  Tape<double> tape;
  Pass<double> pass;
  pass.tape = &tape;
  tape.watch(w.bias);
  const auto y = linear(x, w, pass);
  tape.add(y, random_tensor<double>({4, 2}, 3));
  tape.backward();
  EXPECT_FALSE(tape.gradient(w.bias).empty());
  EXPECT_TRUE(tape.gradient(x).empty());
  EXPECT_TRUE(tape.gradient(w.weight.plain()).empty());
}

// What is recorded holds its inputs: without a watched one nobody but the test does.
TEST(Tape, RecordsNothingWithoutAWatchedInput) {
  const auto x = random_tensor<double>({4, 6}, 1);
  const auto kv = random_tensor<double>({4, 12}, 1);
  const auto w = random_linear<double>({6, 6}, 2);
  const auto sequences = Sequences::equal(2, 2);
  BlockConfig block;
  block.width = 6;
  set_heads(block, 2);
  Norm<double> gain{.gain = random_tensor<double>({6}, 4), .bias = {}};
  Tape<double> tape;
  Pass<double> pass;
  pass.tape = &tape;
  const std::vector<std::int64_t> ids{0, 1};
  const auto other = random_tensor<double>({4, 6}, 9);
  tape.watch(other);
  for (const auto& y :
       {linear(x, w, pass, Activation::silu), linear_residual(x, w, x.clone(), pass), norm(x, gain, pass),
        activate(x, Activation::silu, pass), gate(x, x, Activation::silu, pass), add(x, x, gain.gain, pass),
        gather<double>(x, ids, pass), mean_rows(x, sequences, 0, pass), concat(x, x, pass),
        attention<double>({x, kv, sequences, sequences}, block.attention, pass)}) {
    EXPECT_FALSE(tape.watches(y));
    EXPECT_TRUE(x.unique());
    EXPECT_TRUE(w.weight.plain().unique());
  }
  EXPECT_TRUE(kv.unique());
  EXPECT_TRUE(gain.gain.unique());
}

TEST(Tape, FreesWhatItRecorded) {
  const auto x = random_tensor<double>({4, 3}, 1);
  const auto w = random_linear<double>({2, 3}, 2);
  Tape<double> tape;
  Pass<double> pass;
  pass.tape = &tape;
  tape.watch(w.weight.plain());
  const auto seed = random_tensor<double>({4, 2}, 3);
  auto hidden = linear(x, w, pass);
  const auto y = activate(hidden, Activation::silu, pass);
  EXPECT_FALSE(x.unique());
  EXPECT_FALSE(hidden.unique());
  tape.add(y, seed);
  tape.backward();
  EXPECT_TRUE(x.unique());
  EXPECT_TRUE(hidden.unique());
  EXPECT_TRUE(seed.unique());
  // The gradients of results are gone as well, those of parameters stay.
  EXPECT_TRUE(tape.gradient(y).empty());
  EXPECT_TRUE(tape.gradient(hidden).empty());
  EXPECT_FALSE(tape.gradient(w.weight.plain()).empty());
}

TEST(Tape, AddsUpTwoPasses) {
  const auto w = random_linear<double>({2, 3}, 2);
  const auto seed = random_tensor<double>({4, 2}, 3);
  const auto record = [&](Tape<double>& tape, std::uint64_t input) {
    Pass<double> pass;
    pass.tape = &tape;
    tape.add(linear(random_tensor<double>({4, 3}, input), w, pass, Activation::gelu), seed);
  };
  const auto gradient_after = [&](std::initializer_list<std::uint64_t> inputs) {
    Tape<double> tape;
    tape.watch(w.weight.plain());
    for (const auto input : inputs) record(tape, input);
    tape.backward();
    return tape.gradient(w.weight.plain());
  };
  Pass<double> pass;
  const auto expected = add(gradient_after({10}), gradient_after({11}), {}, pass);
  EXPECT_LT(difference(gradient_after({10, 11}), expected), 1e-14);

  Tape<double> again;
  again.watch(w.weight.plain());
  for (const std::uint64_t input : {10, 11}) {
    record(again, input);
    again.backward();
  }
  EXPECT_LT(difference(again.gradient(w.weight.plain()), expected), 1e-14);
}

// One gradient flows to both terms of a sum: what is added to one later must not reach the other.
TEST(Tape, KeepsGradientsApartThatBeganAsOne) {
  const auto a = random_tensor<double>({2, 3}, 1), b = random_tensor<double>({2, 3}, 2);
  const auto seed = random_tensor<double>({2, 3}, 3), before = seed.clone();
  const std::vector<std::int64_t> rows{0, 1};
  for (const bool gathered : {false, true}) {
    Tape<double> tape;
    Pass<double> pass;
    pass.tape = &tape;
    tape.watch(a);
    tape.watch(b);
    const auto sum = add(a, b, {}, pass);
    if (gathered) tape.add(gather<double>(a, rows, pass), seed);
    tape.add(add(sum, a, {}, pass), seed);
    tape.backward();
    EXPECT_LT(difference(tape.gradient(a), scaled(before, gathered ? 3 : 2)), 1e-15);
    EXPECT_EQ(difference(tape.gradient(b), before), 0);
    EXPECT_EQ(difference(seed, before), 0);
  }
}

TEST(Tape, LeavesAloneWhatNoGradientReaches) {
  const auto a = random_tensor<double>({2, 3}, 1), b = random_tensor<double>({2, 3}, 2);
  Tape<double> tape;
  Pass<double> pass;
  pass.tape = &tape;
  tape.watch(a);
  tape.watch(b);
  const auto y = activate(a, Activation::silu, pass), unused = activate(b, Activation::silu, pass);
  tape.add(y, random_tensor<double>({2, 3}, 3));
  tape.backward();
  EXPECT_FALSE(tape.gradient(a).empty());
  EXPECT_TRUE(tape.gradient(b).empty());
}

// Memory that one tensor returned may serve the next one: they are not the same values.
TEST(Tape, TellsValuesApartThatLieInTheSamePlace) {
  Tape<double> tape;
  {
    const auto gone = random_tensor<double>({64}, 1);
    tape.watch(gone);
  }
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(tape.watches(random_tensor<double>({64}, 2)));
}

}  // namespace
}  // namespace beeld
