#include "vision/model/tokens.h"

#include <algorithm>
#include <vector>

#include "core/tensor/tape.h"

namespace beeld {

namespace {

/// The grid of a picture's patches, and which of them are read.
struct Patches {
  Grid grid;
  std::vector<std::int64_t> kept;
};

std::vector<Patches> patches_of(const ImageTokens& tokens) {
  std::vector<Patches> result;
  for (std::size_t b = 0; b < tokens.grids.size(); ++b) {
    Patches patches{tokens.grids[b], {}};
    for_each_kept(patches.grid, tokens.kept, b, [&](std::int64_t place) { patches.kept.push_back(place); });
    result.push_back(std::move(patches));
  }
  return result;
}

/// Learned positions for one grid after another, fitted only where it changes.
template <class T>
class GridPositions {
 public:
  explicit GridPositions(const VisionTower<T>& tower)
      : config_(tower.config),
        learned_(tower.positions.slice(tower.config.positioned_tokens, tower.positions.rows())),
        fitted_(learned_),
        grid_(tower.config.positions) {}

  const Tensor<T>& operator()(Grid grid) {
    if (grid == grid_) return fitted_;
    grid_ = grid;
    fitted_ = grid == config_.positions ? learned_ : fit_grid(learned_, config_.positions, grid, config_.fit);
    return fitted_;
  }

 private:
  const VisionConfig& config_;
  Tensor<T> learned_, fitted_;  // [grid,C]
  Grid grid_;
};

template <class T>
void add_row(const T* x, std::int64_t width, T* y) {
  std::transform(x, x + width, y, y, std::plus<T>());
}

/// Where a gradient is added to: the parameter's own, or nowhere that lasts.
template <class T>
Tensor<T> sum_of(const Tensor<T>& parameter, Tape<T>& tape) {
  if (parameter.empty() || tape.watches(parameter))
    return parameter.empty() ? parameter : tape.sum(parameter);
  return Tensor<T>::zeros(parameter.shape());
}

}  // namespace

template <class T>
struct PlacedTokens {
  Tensor<T> patches, prefix, positions;
  VisionConfig config;
  std::vector<Patches> images;
};

template <class T>
void place_tokens_backward(const Tensor<T>& dy, const PlacedTokens<T>& placed, Tape<T>& tape);

template <class T>
Tensor<T> place_tokens(const VisionTower<T>& tower, const Tensor<T>& patches, const ImageTokens& tokens,
                       Pass<T>& pass) {
  const auto& config = tower.config;
  const auto width = patches.columns();
  const auto image_patches = patches_of(tokens);
  GridPositions<T> grid_positions(tower);
  Tensor<T> x({patches.rows() + tokens.sequences.count() * config.prefix(), width});
  T* row = x.data();
  const T* patch = patches.data();
  for (const auto& image : image_patches) {
    for (int i = 0; i < config.prefix(); ++i, row += width) {
      std::copy_n(tower.prefix.row(i), width, row);
      if (i < config.positioned_tokens) add_row(tower.positions.row(i), width, row);
    }
    const auto& positions = grid_positions(image.grid);  // [grid of the picture, C]
    for (const auto place : image.kept) {
      std::transform(patch, patch + width, positions.row(place), row, std::plus<T>());
      patch += width;
      row += width;
    }
  }
  if (auto* tape = pass.tape) {
    tape->record(
        x, {patches.identity(), tower.prefix.identity(), tower.positions.identity()},
        [tape, placed = PlacedTokens<T>{patches, tower.prefix, tower.positions, config, image_patches}](
            const Tensor<T>& dy) { place_tokens_backward(dy, placed, *tape); });
  }
  return x;
}

template <class T>
void place_tokens_backward(const Tensor<T>& dy, const PlacedTokens<T>& placed, Tape<T>& tape) {
  const auto& config = placed.config;
  const auto width = dy.columns();
  Tensor<T> d_patches(placed.patches.shape());
  auto d_prefix = sum_of(placed.prefix, tape), d_positions = sum_of(placed.positions, tape);
  auto d_grid = d_positions.slice(config.positioned_tokens, d_positions.rows());  // [grid,C]
  const T* row = dy.data();
  T* patch = d_patches.data();
  for (const auto& image : placed.images) {
    for (int i = 0; i < config.prefix(); ++i, row += width) {
      add_row(row, width, d_prefix.row(i));
      if (i < config.positioned_tokens) add_row(row, width, d_positions.row(i));
    }
    const bool own_grid = image.grid == config.positions;
    const auto places = std::int64_t{image.grid.rows} * image.grid.columns;
    auto d_own = own_grid ? d_grid : Tensor<T>::zeros({places, width});
    for (const auto place : image.kept) {
      add_row(row, width, d_own.row(place));
      patch = std::copy_n(row, width, patch);
      row += width;
    }
    if (!own_grid) fit_grid_backward(d_own, {config.positions, image.grid, config.fit}, d_grid);
  }
  tape.add(placed.patches, d_patches);
}

template Tensor<float> place_tokens(const VisionTower<float>&, const Tensor<float>&, const ImageTokens&,
                                    Pass<float>&);
template Tensor<double> place_tokens(const VisionTower<double>&, const Tensor<double>&, const ImageTokens&,
                                     Pass<double>&);

}  // namespace beeld
