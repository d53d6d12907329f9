#include "vision/model/position_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace beeld {

namespace {

double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// One output place as a weighted sum of input places.
struct Taps {
  std::vector<int> places;
  std::vector<double> weights;
};

/// Four taps around the centre; places beyond the border are the border's.
Taps plain_taps(int i, int from, int to) {
  const double centre = (i + 0.5) * from / to - 0.5;
  const double base = std::floor(centre);
  Taps taps;
  for (int k = -1; k <= 2; ++k) {
    taps.places.push_back(std::clamp(static_cast<int>(base) + k, 0, from - 1));
    taps.weights.push_back(cubic(centre - base - k, -0.75));
  }
  return taps;
}

/// All places under a kernel that is widened by the reduction; what lies outside is left out.
Taps antialias_taps(int i, int from, int to, GridFit fit) {
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  const double support = (fit == GridFit::bilinear_antialias ? 1.0 : 2.0) * stretch;
  const double centre = (i + 0.5) * scale;
  const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
  const int last = std::min(static_cast<int>(centre + support + 0.5), from);
  Taps taps;
  double total = 0;
  for (int place = first; place < last; ++place) {
    const double x = (place - centre + 0.5) / stretch;
    const double weight = fit == GridFit::bilinear_antialias ? triangle(x) : cubic(x, -0.5);
    taps.places.push_back(place);
    taps.weights.push_back(weight);
    total += weight;
  }
  for (auto& weight : taps.weights) weight /= total;
  return taps;
}

std::vector<Taps> all_taps(int from, int to, GridFit fit) {
  std::vector<Taps> taps;
  for (int i = 0; i < to; ++i) {
    taps.push_back(fit == GridFit::bicubic ? plain_taps(i, from, to) : antialias_taps(i, from, to, fit));
  }
  return taps;
}

/// The rows of a grid's row or column.
struct Line {
  std::int64_t first, stride;

  std::int64_t operator[](int place) const { return first + place * stride; }
};

/// y becomes the weighted sum of rows of x.
template <class T>
void combine(const Tensor<T>& x, const Taps& taps, Line line, T* y) {
  std::vector<double> sum(static_cast<std::size_t>(x.columns()));
  for (std::size_t k = 0; k < taps.places.size(); ++k) {
    const T* row = x.row(line[taps.places[k]]);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += taps.weights[k] * static_cast<double>(row[j]);
  }
  std::transform(sum.begin(), sum.end(), y, [](double value) { return static_cast<T>(value); });
}

}  // namespace

template <class T>
Tensor<T> fit_grid(const Tensor<T>& positions, Grid from, Grid to, GridFit fit) {
  const auto across = all_taps(from.columns, to.columns, fit);
  const auto down = all_taps(from.rows, to.rows, fit);
  Tensor<T> narrow({std::int64_t{from.rows} * to.columns, positions.columns()});
  for (int row = 0; row < from.rows; ++row) {
    for (int column = 0; column < to.columns; ++column) {
      combine(positions, across[column], {std::int64_t{row} * from.columns, 1},
              narrow.row(std::int64_t{row} * to.columns + column));
    }
  }
  Tensor<T> fitted({std::int64_t{to.rows} * to.columns, positions.columns()});
  for (int row = 0; row < to.rows; ++row) {
    for (int column = 0; column < to.columns; ++column) {
      combine(narrow, down[row], {column, to.columns}, fitted.row(std::int64_t{row} * to.columns + column));
    }
  }
  return fitted;
}

namespace {

/// The transpose of combine(): row `y` is added to the rows it came from.
template <class T>
void spread(const T* y, const Taps& taps, Line line, Tensor<T>& x) {
  for (std::size_t k = 0; k < taps.places.size(); ++k) {
    T* row = x.row(line[taps.places[k]]);
    for (std::int64_t j = 0; j < x.columns(); ++j) row[j] += static_cast<T>(taps.weights[k]) * y[j];
  }
}

}  // namespace

template <class T>
void fit_grid_backward(const Tensor<T>& fitted, const GridChange& change, Tensor<T>& positions) {
  const auto [from, to, fit] = change;
  const auto across = all_taps(from.columns, to.columns, fit);
  const auto down = all_taps(from.rows, to.rows, fit);
  auto narrow = Tensor<T>::zeros({std::int64_t{from.rows} * to.columns, fitted.columns()});
  for (int row = 0; row < to.rows; ++row) {
    for (int column = 0; column < to.columns; ++column) {
      spread(fitted.row(std::int64_t{row} * to.columns + column), down[row], {column, to.columns}, narrow);
    }
  }
  for (int row = 0; row < from.rows; ++row) {
    for (int column = 0; column < to.columns; ++column) {
      spread(narrow.row(std::int64_t{row} * to.columns + column), across[column],
             {std::int64_t{row} * from.columns, 1}, positions);
    }
  }
}

template void fit_grid_backward(const Tensor<float>&, const GridChange&, Tensor<float>&);
template void fit_grid_backward(const Tensor<double>&, const GridChange&, Tensor<double>&);
template Tensor<float> fit_grid(const Tensor<float>&, Grid, Grid, GridFit);
template Tensor<double> fit_grid(const Tensor<double>&, Grid, Grid, GridFit);

}  // namespace beeld
