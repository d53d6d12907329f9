#pragma once

#include "core/tensor/tensor.h"

namespace beeld {

struct Grid {
  int rows = 0;
  int columns = 0;
  bool operator==(const Grid&) const = default;
};

/// How learned positions are fitted to a picture with another grid of patches, in the terms of torch's
/// interpolate.
enum class GridFit {
  none,                ///< not at all: another grid is an error
  bicubic,             ///< a = -0.75, four taps, however much is reduced
  bicubic_antialias,   ///< a = -0.5, the support widened when reducing
  bilinear_antialias,  ///< a triangle, widened likewise
};

/// Positions [rows*columns, C] of one grid, resampled to another.
template <class T>
Tensor<T> fit_grid(const Tensor<T>& positions, Grid from, Grid to, GridFit fit);

struct GridChange {
  Grid from, to;
  GridFit fit;
};

/// Its gradient: [to, C] is spread over and added to [from, C].
template <class T>
void fit_grid_backward(const Tensor<T>& fitted, const GridChange& change, Tensor<T>& positions);

}  // namespace beeld
