#include "core/kernels/panels.h"

#include <algorithm>
#include <vector>

#include "core/kernels/byte_tile.h"
#include "core/kernels/quantize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/panels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h: these are compiled once for each instruction set.
#include <hwy/highway.h>

#include "core/kernels/activations-inl.h"
#include "core/kernels/kernels-inl.h"
#include "core/kernels/tile-inl.h"

namespace beeld {

#ifndef BEELD_CORE_PANELS_
#define BEELD_CORE_PANELS_
/// Parts of [0, whole) that are as long as each other, and no longer than `most`.
struct Parts {
  Parts(std::int64_t length, std::int64_t most) : count((length + most - 1) / most), whole(length) {}

  std::int64_t begin(std::int64_t part) const { return whole * part / count; }
  std::int64_t length(std::int64_t part) const { return begin(part + 1) - begin(part); }

  std::int64_t count, whole;
};

/// Working memory of the calling thread, which the next product finds warm.
template <class Value, class Purpose>
Value* working_memory(std::int64_t count) {
  thread_local std::vector<Value> values;
  if (values.size() < static_cast<std::size_t>(count)) values.resize(static_cast<std::size_t>(count));
  return values.data();
}
#endif

}  // namespace beeld

HWY_BEFORE_NAMESPACE();
namespace beeld::HWY_NAMESPACE {

// In the second-level cache lie a block of x and two panels, the one in use and the next.
constexpr std::int64_t most_depth = 768, block_bytes = 384 * 1024;

// Rows of a block lie so many bytes further apart: out of each other's places in the first cache.
constexpr std::int64_t cache_line = 64;

std::int64_t PanelColumns() { return 2 * static_cast<std::int64_t>(hn::Lanes(F())); }

HWY_INLINE V as_floats(const float* sums) { return hn::LoadU(F(), sums); }

HWY_INLINE V as_floats(const std::int32_t* sums) {
  return hn::ConvertTo(F(), hn::LoadU(hn::Rebind<std::int32_t, F>(), sums));
}

/// What becomes of the sums of a tile.
struct Finish {
  float* y = nullptr;                    // its first row and column
  std::int64_t stride = 0, columns = 0;  // of y; the last panel has fewer columns
  const float* bias = nullptr;           // [columns]
  const float* scales = nullptr;         // [panel], of int8 weights
  const float* weight_sums = nullptr;    // [panel], likewise
  const RowScale* rows = nullptr;        // [rows], of x that was rounded for them
  bool add = false;                      // to y
  Activation activation = Activation::identity;
};

/// Asks for the result's memory while its sums are computed.
HWY_INLINE void fetch(const Finish& to, std::int64_t rows) {
  for (std::int64_t i = 0; i < rows; ++i) {
    __builtin_prefetch(to.y + i * to.stride, 1);
    __builtin_prefetch(to.y + i * to.stride + to.columns - 1, 1);
  }
}

template <class Sum>
HWY_INLINE void finish(const Sum* sums, std::int64_t rows, const Finish& to) {
  const F f;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < to.columns; j += lanes) {
      const auto count = std::min(lanes, to.columns - j);
      auto v = as_floats(sums + 2 * i * lanes + j);
      if (to.rows) {
        const auto zero = hn::Set(f, to.rows[i].zero), scale = hn::Set(f, to.rows[i].scale);
        v = hn::NegMulAdd(zero, hn::LoadU(f, to.weight_sums + j), v);
        v = hn::Mul(v, hn::Mul(scale, hn::LoadU(f, to.scales + j)));
      }
      if (to.bias) v = hn::Add(v, load(to.bias + j, count));
      float* y = to.y + i * to.stride + j;
      if (to.add) v = hn::Add(v, load(y, count));
      store(value_and_slope(v, to.activation).value, y, count);
    }
  }
}

/// The part of a panel that is multiplied: steps along K, its bytes, and how far it is to the next panel's.
struct PanelPart {
  const std::byte* memory;
  std::int64_t steps, bytes, next_panel;
};

/// Where a tile lies in the result of a block.
struct TilePlace {
  std::int64_t column, row, rows;
};

/// Calls tile(place, memory of the panel, ahead) for a block of rows, panel by panel. All tiles of a panel
/// together fetch the next one.
template <class Tile>
HWY_INLINE void for_each_tile(std::int64_t rows, Columns columns, PanelPart panel, const Tile& tile) {
  const Parts tiles(rows, most_rows);
  for (auto j = columns.begin; j < columns.end; j += PanelColumns(), panel.memory += panel.next_panel) {
    for (std::int64_t t = 0; t < tiles.count; ++t) {
      const Ahead ahead{panel.memory + panel.next_panel + panel.bytes * t / tiles.count,
                        panel.bytes / tiles.count / panel.steps};
      tile(TilePlace{j, tiles.begin(t), tiles.length(t)}, panel.memory, ahead);
    }
  }
}

/// Rows [first, first + rows) of x, of them columns [begin, begin + depth).
struct Block {
  std::int64_t first, rows, begin, depth;
};

template <class Held>
void multiply_block(const Panels& w, const Multiplication& with, Columns columns, Block block) {
  HWY_ALIGN float sums[static_cast<std::size_t>(most_rows) * 2 * hn::MaxLanes(F())];
  const auto* x = with.x + block.first * w.k + block.begin;
  auto stride = w.k;
  if (block.depth < w.k) {  // other columns lie between the rows
    constexpr std::int64_t gap = cache_line / 4;
    stride = block.depth + gap;
    auto* gathered = working_memory<float, Block>(block.rows * stride);
    for (std::int64_t i = 0; i < block.rows; ++i)
      std::copy_n(x + i * w.k, block.depth, gathered + i * stride);
    x = gathered;
  }
  const bool begins = block.begin == 0, ends = block.begin + block.depth == w.k;
  const auto width = PanelColumns(), step_bytes = width * static_cast<std::int64_t>(sizeof(Held));
  const auto* panel = static_cast<const std::byte*>(w.values) + columns.begin / width * w.k * step_bytes;
  const PanelPart part{panel + block.begin * step_bytes, block.depth, block.depth * step_bytes,
                       w.k * step_bytes};
  const auto each = [&](TilePlace place, const std::byte* b, Ahead ahead) HWY_ATTR {
    const auto [j, i, rows] = place;
    const Finish to{.y = with.y + (block.first + i) * w.n + j,
                    .stride = w.n,
                    .columns = std::min(width, columns.end - j),
                    .bias = with.bias && ends ? with.bias + j : nullptr,
                    .add = !begins || with.epilogue.add_to_output,
                    .activation = ends ? with.epilogue.activation : Activation::identity};
    fetch(to, rows);
    const auto multiply = tiles<Floats<Held>>[static_cast<std::size_t>(rows - 1)];
    multiply({x + i * stride, stride}, {reinterpret_cast<const Held*>(b), block.depth, ahead}, sums);
    finish(sums, rows, to);
  };
  for_each_tile(block.rows, columns, part, each);
}

template <class Held>
void multiply_floats(const Panels& w, const Multiplication& with, Columns columns) {
  const Parts depths(w.k, most_depth);
  for (std::int64_t d = 0; d < depths.count; ++d) {
    const auto depth = depths.length(d);
    const Parts blocks(with.rows, std::max<std::int64_t>(block_bytes / 4 / depth, most_rows));
    for (std::int64_t b = 0; b < blocks.count; ++b) {
      multiply_block<Held>(w, with, columns, {blocks.begin(b), blocks.length(b), depths.begin(d), depth});
    }
  }
}

/// x in bytes.
struct ByBytes {
  using Value = std::uint8_t;
  static constexpr std::int64_t together = 4;

  static void multiply(std::int64_t rows, TileRows<Value> a, TileWeights<std::int8_t> b, std::int32_t* sums) {
    byte_tile(static_cast<int>(rows), a, b, sums);
  }
};

/// x in 16 bits.
struct ByPairs {
  using Value = Pairs::Value;
  static constexpr std::int64_t together = Pairs::together;

  static void multiply(std::int64_t rows, TileRows<Value> a, TileWeights<std::int8_t> b, std::int32_t* sums) {
    tiles<Pairs>[static_cast<std::size_t>(rows - 1)](a, b, sums);
  }
};

template <class By>
void multiply_whole(const Panels& w, const Multiplication& with, Columns columns) {
  using Value = typename By::Value;
  HWY_ALIGN std::int32_t sums[static_cast<std::size_t>(most_rows) * 2 * hn::MaxLanes(F())];
  constexpr auto size = static_cast<std::int64_t>(sizeof(Value));
  const auto steps = (w.k + By::together - 1) / By::together,
             stride = By::together * steps + cache_line / size;
  const auto width = PanelColumns(), panel_bytes = By::together * steps * width;
  const auto* panel = static_cast<const std::byte*>(w.values) + columns.begin / width * panel_bytes;
  const Parts blocks(with.rows, std::max<std::int64_t>(block_bytes / size / stride, most_rows));
  const auto most = block_bytes / size / stride + most_rows;
  auto* a = working_memory<Value, Finish>(most * stride);
  auto* scales = working_memory<RowScale, Finish>(most);
  auto* rotated = working_memory<float, Finish>(w.k);
  for (std::int64_t b = 0; b < blocks.count; ++b) {
    const auto first = blocks.begin(b), count = blocks.length(b);
    for (std::int64_t i = 0; i < count; ++i) {
      rotate_row(with.x + (first + i) * w.k, w.k, rotated);
      scales[i] = quantize_row(rotated, w.k, a + i * stride);
    }
    const auto each = [&](TilePlace place, const std::byte* weights, Ahead ahead) HWY_ATTR {
      const auto [j, i, rows] = place;
      const Finish to{.y = with.y + (first + i) * w.n + j,
                      .stride = w.n,
                      .columns = std::min(width, columns.end - j),
                      .bias = with.bias ? with.bias + j : nullptr,
                      .scales = w.scales + j,
                      .weight_sums = w.sums + j,
                      .rows = scales + i,
                      .add = with.epilogue.add_to_output,
                      .activation = with.epilogue.activation};
      fetch(to, rows);
      const auto* held = reinterpret_cast<const std::int8_t*>(weights);
      By::multiply(rows, {a + i * stride, stride}, {held, steps, ahead}, sums);
      finish(sums, rows, to);
    };
    for_each_tile(count, columns, {panel, steps, panel_bytes, panel_bytes}, each);
  }
}

void MultiplyPanels(const Panels& w, const Multiplication& with, Columns columns) {
  switch (w.type) {
    case WeightType::f32:
      return multiply_floats<float>(w, with, columns);
    case WeightType::f16:
      return multiply_floats<hwy::float16_t>(w, with, columns);
    case WeightType::bf16:
      return multiply_floats<hwy::bfloat16_t>(w, with, columns);
    case WeightType::int8:
      return w.together == 4 ? multiply_whole<ByBytes>(w, with, columns)
                             : multiply_whole<ByPairs>(w, with, columns);
  }
}

}  // namespace beeld::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beeld {

HWY_EXPORT(PanelColumns);
HWY_EXPORT(MultiplyPanels);

std::int64_t panel_columns() { return HWY_DYNAMIC_DISPATCH(PanelColumns)(); }

void multiply_panels(const Panels& weights, const Multiplication& with, Columns columns) {
  if (with.rows > 0) HWY_DYNAMIC_DISPATCH(MultiplyPanels)(weights, with, columns);
}

}  // namespace beeld
#endif
