#include "multimodal/training/losses.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/kernels/product.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/softmax.h"

namespace beeld {

namespace {

/// x y^T: [B,D], [B,D] -> [B,B]
template <class T>
Tensor<T> cosines(const Tensor<T>& x, const Tensor<T>& y) {
  Tensor<T> result({x.rows(), y.rows()});
  product<T>({x.rows(), y.rows(), x.columns()}, {}, {x.data(), x.columns()},
             {y.data(), y.columns(), Layout::transposed}, {result.data(), y.rows()});
  return result;
}

template <class T>
Tensor<T> transposed(const Tensor<T>& x) {
  Tensor<T> y({x.columns(), x.rows()});
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    for (std::int64_t j = 0; j < x.columns(); ++j) y.row(j)[i] = x.row(i)[j];
  }
  return y;
}

template <class T>
void scale(Tensor<T>& x, T factor) {
  std::for_each_n(x.data(), x.size(), [factor](T& value) { value *= factor; });
}

/// Given the gradient of every cosine [B,B]: d images += G texts, d texts += G^T images.
template <class T>
void add_cosine_gradient(const Tensor<T>& g, const PairedEmbeddings<T>& pairs, LossGradient<T>& gradient) {
  const auto count = g.rows(), width = pairs.images.columns();
  const Factors<T> adding{.alpha = 1, .beta = 1};
  product<T>({count, width, count}, adding, {g.data(), count}, {pairs.texts.data(), width},
             {gradient.images.data(), width});
  product<T>({count, width, count}, adding, {g.data(), count, Layout::transposed},
             {pairs.images.data(), width}, {gradient.texts.data(), width});
}

/// What a softmax over the batch should give, [B,B] each.
template <class T>
struct Targets {
  const Tensor<T>& by_image;  // texts for every image
  const Tensor<T>& by_text;   // images for every text
};

/// Both directions of a softmax loss, each weighted by factor / 2.
template <class T>
T two_way_loss(const PairedEmbeddings<T>& pairs, const Targets<T>& targets, T factor,
               LossGradient<T>& gradient) {
  const T s = std::exp(pairs.log_scale);
  const auto cosine = cosines(pairs.images, pairs.texts);
  auto by_image = cosine.clone();
  scale(by_image, s);
  auto by_text = transposed(by_image);
  const T value = row_cross_entropy(by_image, targets.by_image) + row_cross_entropy(by_text, targets.by_text);
  for (std::int64_t i = 0; i < cosine.rows(); ++i) {
    for (std::int64_t j = 0; j < cosine.columns(); ++j) {
      T& g = by_image.row(i)[j];
      g = factor / 2 * s * (g + by_text.row(j)[i]);
      gradient.log_scale += g * cosine.row(i)[j];
    }
  }
  add_cosine_gradient(by_image, pairs, gradient);
  return factor / 2 * value;
}

template <class T>
void check(const PairedEmbeddings<T>& pairs, std::span<const std::int64_t> groups) {
  if (pairs.images.shape() != pairs.texts.shape() || pairs.images.rows() == 0 ||
      (!groups.empty() && static_cast<std::int64_t>(groups.size()) != pairs.images.rows())) {
    throw Error(ErrorCode::invalid_argument, "[loss] pictures " + pairs.images.shape().string() + ", texts " +
                                                 pairs.texts.shape().string() + " and groups of " +
                                                 std::to_string(groups.size()) + " do not belong together");
  }
}

bool same_group(std::span<const std::int64_t> groups, std::int64_t i, std::int64_t j) {
  return i == j ||
         (!groups.empty() && groups[static_cast<std::size_t>(i)] == groups[static_cast<std::size_t>(j)]);
}

template <class T>
bool is_zero(const T* row, std::int64_t width) {
  return std::all_of(row, row + width, [](T value) { return value == 0; });
}

/// softmax(exp(log_scale) * x y^T) along the rows.
template <class T>
Tensor<T> affinities(const Tensor<T>& x, const Tensor<T>& y, T log_scale) {
  auto result = cosines(x, y);
  scale(result, std::exp(log_scale));
  for (std::int64_t i = 0; i < result.rows(); ++i) softmax_plain(result.row(i), result.columns());
  return result;
}

/// Rows of a batch.
template <class T>
Tensor<T> chosen_rows(const Tensor<T>& x, const std::vector<std::int64_t>& rows) {
  Tensor<T> y({static_cast<std::int64_t>(rows.size()), x.columns()});
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy_n(x.row(rows[i]), x.columns(), y.row(static_cast<std::int64_t>(i)));
  return y;
}

template <class T>
void add_rows_back(const Tensor<T>& from, const std::vector<std::int64_t>& rows, Tensor<T>& to) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const T* row = from.row(static_cast<std::int64_t>(i));
    std::transform(row, row + to.columns(), to.row(rows[i]), to.row(rows[i]), std::plus<T>());
  }
}

/// Minus the entropy of every row, summed: what a cross-entropy must be lessened by to be a divergence.
template <class T>
T negative_entropy(const Tensor<T>& rows) {
  T sum = 0;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const T p = rows.data()[i];
    if (p > 0) sum += p * std::log(p);
  }
  return sum;
}

}  // namespace

template <class T>
T contrastive_loss(const PairedEmbeddings<T>& pairs, std::span<const std::int64_t> groups, T weight,
                   LossGradient<T>& gradient) {
  check(pairs, groups);
  const auto count = pairs.images.rows();
  auto targets = Tensor<T>::zeros({count, count});
  for (std::int64_t i = 0; i < count; ++i) {
    T members = 0;
    for (std::int64_t j = 0; j < count; ++j) members += same_group(groups, i, j) ? T{1} : T{0};
    for (std::int64_t j = 0; j < count; ++j) {
      if (same_group(groups, i, j)) targets.row(i)[j] = 1 / members;
    }
  }
  return two_way_loss<T>(pairs, {targets, targets}, weight / static_cast<T>(count), gradient);
}

template <class T>
T sigmoid_loss(const PairedEmbeddings<T>& pairs, std::span<const std::int64_t> groups, T weight,
               LossGradient<T>& gradient) {
  check(pairs, groups);
  const auto count = pairs.images.rows();
  const T s = std::exp(pairs.log_scale), factor = weight / static_cast<T>(count);
  auto g = cosines(pairs.images, pairs.texts);
  T value = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j < count; ++j) {
      const T cosine = g.row(i)[j], z = same_group(groups, i, j) ? T{1} : T{-1};
      const T margin = z * (s * cosine + pairs.bias);
      // -log sigmoid(m) = max(-m, 0) + log(1 + exp(-|m|)), which never overflows.
      value += std::max(-margin, T{0}) + std::log1p(std::exp(-std::abs(margin)));
      const T slope = -z * factor / (1 + std::exp(margin));
      gradient.bias += slope;
      gradient.log_scale += slope * s * cosine;
      g.row(i)[j] = slope * s;
    }
  }
  add_cosine_gradient(g, pairs, gradient);
  return factor * value;
}

template <class T>
T cosine_loss(const Tensor<T>& x, const Tensor<T>& teacher, T weight, Tensor<T>& gradient) {
  if (x.shape() != teacher.shape()) {
    throw Error(ErrorCode::invalid_argument,
                "[loss] embeddings " + x.shape().string() + " and a teacher's " + teacher.shape().string());
  }
  const auto width = x.columns();
  std::vector<std::int64_t> known;
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    if (!is_zero(teacher.row(i), width)) known.push_back(i);
  }
  if (known.empty()) return 0;
  const T factor = weight / static_cast<T>(known.size());
  T value = 0;
  for (const auto i : known) {
    value += factor * (1 - std::inner_product(x.row(i), x.row(i) + width, teacher.row(i), T{0}));
    for (std::int64_t j = 0; j < width; ++j) gradient.row(i)[j] -= factor * teacher.row(i)[j];
  }
  return value;
}

template <class T>
T affinity_loss(const PairedEmbeddings<T>& pairs, const TeacherPairs<T>& teacher, T weight,
                LossGradient<T>& gradient) {
  check(pairs, {});
  if (teacher.images.rows() != pairs.images.rows() || teacher.texts.rows() != pairs.texts.rows()) {
    throw Error(ErrorCode::invalid_argument, "[loss] a teacher's batch of another size");
  }
  std::vector<std::int64_t> known;
  for (std::int64_t i = 0; i < pairs.images.rows(); ++i) {
    if (!is_zero(teacher.images.row(i), teacher.images.columns()) &&
        !is_zero(teacher.texts.row(i), teacher.texts.columns()))
      known.push_back(i);
  }
  if (known.empty()) return 0;
  const PairedEmbeddings<T> some{chosen_rows(pairs.images, known), chosen_rows(pairs.texts, known),
                                 pairs.log_scale, 0};
  const auto images = chosen_rows(teacher.images, known), texts = chosen_rows(teacher.texts, known);
  const auto by_image = affinities(images, texts, teacher.log_scale);
  const auto by_text = affinities(texts, images, teacher.log_scale);
  auto inner = LossGradient<T>::like(some);
  const T factor = weight / static_cast<T>(known.size());
  const T value = two_way_loss<T>(some, {by_image, by_text}, factor, inner) +
                  factor / 2 * (negative_entropy(by_image) + negative_entropy(by_text));
  add_rows_back(inner.images, known, gradient.images);
  add_rows_back(inner.texts, known, gradient.texts);
  gradient.log_scale += inner.log_scale;
  return value;
}

#define BEELD_INSTANTIATE(T)                                                                               \
  template T contrastive_loss(const PairedEmbeddings<T>&, std::span<const std::int64_t>, T,                \
                              LossGradient<T>&);                                                           \
  template T sigmoid_loss(const PairedEmbeddings<T>&, std::span<const std::int64_t>, T, LossGradient<T>&); \
  template T cosine_loss(const Tensor<T>&, const Tensor<T>&, T, Tensor<T>&);                               \
  template T affinity_loss(const PairedEmbeddings<T>&, const TeacherPairs<T>&, T, LossGradient<T>&);
BEELD_INSTANTIATE(float)
BEELD_INSTANTIATE(double)
#undef BEELD_INSTANTIATE

}  // namespace beeld
