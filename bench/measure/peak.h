#pragma once

namespace beeld::bench {

/// Floating-point operations a second of `threads` threads that do nothing but fused multiply-adds on vectors
/// of float32: what no matrix product on this machine can exceed. A multiply-add counts as two operations.
double fma_peak(int threads);

}  // namespace beeld::bench
