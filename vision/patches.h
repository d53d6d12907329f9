#pragma once

#include <beeld/image.h>

#include <span>

#include "core/pass.h"
#include "core/tensor.h"
#include "vision/position_grid.h"

namespace beeld {

/// The grid of whole patches in a picture; what is left at the right and below is not read.
Grid grid_of(const Pixels& picture, int patch);

/// Cuts pictures into patches, row by row, each flattened as (channel, row, column): B x [3,H,W] -> [N,
/// 3*patch*patch] (Dosovitskiy et al. 2020, section 3.1)
template <class T>
Tensor<T> patchify(std::span<const Pixels> pictures, int patch, Pass<T>& pass);

}  // namespace beeld
