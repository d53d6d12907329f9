#pragma once

#include <beeld/error.h>
#include <beeld/image.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor/pass.h"
#include "core/tensor/tensor.h"
#include "vision/model/position_grid.h"

namespace beeld {

/// The grid of whole patches in a picture; what is left at the right and below is not read.
Grid grid_of(const Pixels& image, int patch);

/// For every picture the places of the patches that are read, in rows of its grid; empty: all patches of all
/// pictures. Training may leave some out (FLIP, Li et al. 2023).
using KeptPatches = std::span<const std::vector<std::int32_t>>;

/// Calls visit(place) for the patches of picture b that are read. Throws Error(invalid_argument) for a place
/// outside the grid.
template <class Visit>
void for_each_kept(Grid grid, KeptPatches kept, std::size_t b, const Visit& visit) {
  const auto places = std::int64_t{grid.rows} * grid.columns;
  if (kept.empty()) {
    for (std::int64_t place = 0; place < places; ++place) visit(place);
    return;
  }
  for (const std::int64_t place : kept[b]) {
    if (place < 0 || place >= places) {
      throw Error(ErrorCode::invalid_argument,
                  "[vision] patch " + std::to_string(place) + " of a grid of " + std::to_string(places));
    }
    visit(place);
  }
}

/// How many patches of picture b are read.
inline std::int64_t kept_count(Grid grid, KeptPatches kept, std::size_t b) {
  return kept.empty() ? std::int64_t{grid.rows} * grid.columns : static_cast<std::int64_t>(kept[b].size());
}

/// Cuts pictures into patches, row by row, each flattened as (channel, row, column): B x [3,H,W] -> [N,
/// 3*patch*patch] (Dosovitskiy et al. 2020, section 3.1)
template <class T>
Tensor<T> patchify(std::span<const Pixels> images, int patch, KeptPatches kept, Pass<T>& pass);

}  // namespace beeld
