#pragma once

namespace beeld {

/// How the matrices of a model's blocks are held in memory. Sums are float32; those of int8 are whole
/// numbers, exact. Tables of tokens and positions, the patch embedding and the projection stay float32.
enum class WeightType {
  f32,   ///< As they are multiplied: the numbers of the reference implementations.
  f16,   ///< IEEE half precision, widened while they are multiplied: half the memory.
  bf16,  ///< bfloat16, the same.
  int8,  ///< 8 bits with a scale for every output: a quarter of the memory. Activations are rounded as well,
         ///< with a scale for every row: to 8 bits where the processor multiplies bytes (AVX-512 VNNI),
         ///< elsewhere to as many as 16.
};

}  // namespace beeld
