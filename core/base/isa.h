#pragma once

namespace beeld {

/// Instruction sets that vector code and products may use, each including those before it.
enum class Isa { scalar, sse4, avx2, neon, best };

/// `best`, which is what the processor has, unless the environment's BEELD_ISA says scalar, sse4 or avx2 (x86-64),
/// or scalar or neon (ARM, without products of bytes).
/// Throws Error(invalid_argument) where it says anything else.
Isa isa();

}  // namespace beeld
