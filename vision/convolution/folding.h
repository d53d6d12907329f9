#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/format/weights.h"
#include "core/ops/convolution.h"
#include "vision/convolution/network.h"

namespace beeld {

// Published convolutions are sums of branches: kernels of several sizes, each with a norm over the batch
// behind it, and the input itself with a norm. Once they have learned, all of that is one linear map, and is
// read as one kernel (Ding et al. 2021).

/// y = scale * x + shift for every channel: what a norm over a batch is once its statistics are fixed.
struct ChannelMap {
  Tensor<double> scale;  // [C]
  Tensor<double> shift;  // [C]
};

/// What passes each of `channels` channels on as it is.
ChannelMap unchanged(std::int64_t channels);

/// The shape of a convolution in a checkpoint: [O, C/G, edge, edge].
struct KernelShape {
  std::int64_t outputs = 1;   ///< O
  std::int64_t channels = 1;  ///< C/G
  std::int64_t edge = 1;
};

/// A sum of branches. The kernels themselves stay in their file: only what belongs to an output is computed.
class Kernel {
 public:
  /// One branch, as the checkpoint has it: [O, C/G*edge*edge].
  Kernel(const KernelShape& shape, Weight<float> stored, const Tensor<float>& bias);

  const KernelShape& shape() const { return shape_; }

  /// The map behind the kernel becomes part of it.
  void fold(const ChannelMap& behind);

  /// The map in front of a kernel of one place becomes part of it. Before all others.
  void fold_in_front(const ChannelMap& front);

  /// Each output times its gain [O].
  void scale(const Tensor<float>& gain);

  /// Adds another branch, whose smaller kernel stands in the middle.
  void add(const Kernel& branch);

  /// Adds the map of the input itself, times `factor`, which passes every channel on.
  void add_input(const ChannelMap& map, double factor = 1);

  /// Rows [begin,end) of [O, edge*edge*C/G], each ordered (row, column, channel): summed in double, and
  /// rounded once.
  Tensor<float> rows(std::int64_t begin, std::int64_t end) const;
  Tensor<float> bias() const;  ///< [O]

 private:
  struct Branch {
    Weight<float> stored;  // [O, C/G*edge*edge], each row ordered (channel, row, column)
    std::int64_t edge;
    Tensor<double> scale;  // [O]
    Tensor<double> front;  // [C], or empty
  };
  void add_row(const Branch& branch, std::int64_t output, std::vector<double>& sum) const;

  KernelShape shape_;
  std::vector<Branch> branches_;
  Tensor<double> input_;  // [O]: what of its own channel an output gets
  Tensor<double> bias_;   // [O]
};

/// prefix + "weight" [O,C/G,edge,edge], and prefix + "bias" [O] or zeros. Throws Error as WeightReader does.
Kernel read_kernel(WeightReader& weights, const std::string& prefix, const KernelShape& shape, Bias bias);

/// prefix + "weight", "bias", "running_mean" and "running_var" [C], of a norm over a batch. Throws the same,
/// and Error(corrupt) for a variance below zero.
ChannelMap read_batch_norm(WeightReader& weights, const std::string& prefix, std::int64_t channels);

/// A kernel as a linear map of what a window sees: computed when its rows are read.
Linear<float> as_linear(Kernel kernel);

/// The same as a convolution with steps of `stride`, and zeros around the map that keep the middle where it
/// is.
Convolution<float> as_convolution(Kernel kernel, std::int64_t groups, std::int64_t stride = 1);

}  // namespace beeld
