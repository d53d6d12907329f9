#include "core/ops/rotary.h"

#include <beeld/error.h>

#include <string>

#include "core/tensor/tape.h"

namespace beeld {

namespace {

/// Turns every pair of channels by its angle, or back by it.
enum class Turn { forward = 1, back = -1 };

template <class T>
void turn(Tensor<T>& x, const Rotation<T>& rotation, const RotaryHeads& heads, Turn direction) {
  const auto pairs = rotation.cosines.columns();
  const bool split = heads.pairs == RotaryPairs::half_split;
  const std::int64_t step = split ? 1 : 2, apart = split ? pairs : 1;
  const T sign = static_cast<T>(direction);
  for (std::int64_t row = 0; row < x.rows(); ++row) {
    const T *cosines = rotation.cosines.row(row), *sines = rotation.sines.row(row);
    for (std::int64_t h = 0; h < heads.heads; ++h) {
      T* head = x.row(row) + h * heads.width;
      for (std::int64_t i = 0; i < pairs; ++i) {
        T &first = head[i * step], &second = head[i * step + apart];
        const T sine = sign * sines[i], turned = first * cosines[i] - second * sine;
        second = second * cosines[i] + first * sine;
        first = turned;
      }
    }
  }
}

}  // namespace

template <class T>
Tensor<T> rotate(Tensor<T> x, const Rotation<T>& rotation, const RotaryHeads& heads, Pass<T>& pass) {
  if (rotation.cosines.rows() != x.rows() || rotation.sines.shape() != rotation.cosines.shape() ||
      2 * rotation.cosines.columns() > heads.width || heads.heads * heads.width > x.columns()) {
    throw Error(ErrorCode::invalid_argument, "[rotate] angles " + rotation.cosines.shape().string() +
                                                 " do not fit rows " + x.shape().string() + " with " +
                                                 std::to_string(heads.heads) + " heads of " +
                                                 std::to_string(heads.width));
  }
  const auto before = x.identity();
  auto y = x.unique() ? std::move(x) : x.clone();
  turn(y, rotation, heads, Turn::forward);
  if (auto* tape = pass.tape) {
    tape->record(y, {before}, [=](const Tensor<T>& dy) {
      // A rotation's inverse is its transpose.
      auto dx = dy.clone();
      turn(dx, rotation, heads, Turn::back);
      tape->add(before, dx);
    });
  }
  return y;
}

template Tensor<float> rotate(Tensor<float>, const Rotation<float>&, const RotaryHeads&, Pass<float>&);
template Tensor<double> rotate(Tensor<double>, const Rotation<double>&, const RotaryHeads&, Pass<double>&);

}  // namespace beeld
