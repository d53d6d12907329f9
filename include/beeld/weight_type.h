#pragma once

namespace beeld {

/// How the matrices of a model are held in memory. Sums are float32 in every case.
enum class WeightType {
  f32,   ///< As they are multiplied: the numbers of the reference implementations.
  f16,   ///< IEEE half precision, widened while they are multiplied: half the memory.
  bf16,  ///< bfloat16, the same.
  int8,  ///< 8 bits with a scale for every output: a quarter of the memory. Where the processor multiplies
         ///< integers (VNNI) the activations are rounded as well, to twice 8 bits with a scale for every row.
};

}  // namespace beeld
