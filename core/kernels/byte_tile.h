#pragma once

#include <cstddef>
#include <cstdint>

namespace beeld {

/// Memory that a tile fetches while it is computed: `step` bytes further for every step along K.
struct Ahead {
  const std::byte* memory;
  std::int64_t step;
};

/// Rows of x, `stride` values apart.
template <class Value>
struct TileRows {
  const Value* values;
  std::int64_t stride;
};

/// The weights of a tile, step by step along K.
template <class Held>
struct TileWeights {
  const Held* values;
  std::int64_t steps;
  Ahead ahead;
};

/// As many columns as two vectors hold sums of 32 bits.
#ifdef __aarch64__
inline constexpr int byte_tile_rows = 14, byte_tile_columns = 8;
#else
inline constexpr int byte_tile_rows = 14, byte_tile_columns = 32;
#endif

/// The longest rows whose sums fit in 32 bits.
inline constexpr std::int64_t byte_tile_depth = 65536;

/// Whether the processor multiplies bytes (AVX-512 VNNI, ARM's sdot) and isa() lets it.
bool multiplies_bytes();

/// sums [rows,columns] = a [rows,4*steps] times b [steps,columns,4], rows up to 14. Exact.
void byte_tile(int rows, TileRows<std::uint8_t> a, TileWeights<std::int8_t> b, std::int32_t* sums);

}  // namespace beeld
