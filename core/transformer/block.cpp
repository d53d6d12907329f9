#include "core/transformer/block.h"

#include <beeld/error.h>

#include <string>

#include "core/base/parallel.h"
#include "core/ops/activation.h"
#include "core/ops/rows.h"

namespace beeld {

namespace {

/// What stands before and behind a residual branch: the norm of a pre-norm block, or of a post-norm one.
template <class T>
Tensor<T> before(const Tensor<T>& x, const Norm<T>& weights, NormPlace place, Pass<T>& pass) {
  return place == NormPlace::pre ? norm(x, weights, pass) : x;
}

template <class T>
Tensor<T> behind(Tensor<T> x, const Norm<T>& weights, NormPlace place, Pass<T>& pass) {
  return place == NormPlace::post ? norm(x, weights, pass) : x;
}

/// x + scale * (h W^T + b): the residual is added inside the product where there is no scale.
template <class T>
Tensor<T> residual(Tensor<T> x, const Tensor<T>& h, const Linear<T>& weights, const Tensor<T>& scale,
                   Pass<T>& pass) {
  if (scale.empty()) return linear_residual(h, weights, std::move(x), pass);
  return add(std::move(x), linear(h, weights, pass), scale, pass);
}

template <class T>
Tensor<T> hidden(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& w, Pass<T>& pass) {
  if (config.gating == Gating::none) return linear(x, w.up, pass, config.activation);  // [N,E]
  return gate(linear(x, w.gate, pass), linear(x, w.up, pass), config.activation, pass);
}

/// The rows that go on from a block: all, or only the wanted ones.
template <class T>
struct Asking {
  Sequences sequences;
  Rotation<T> rotation;  // [Nq,P], or empty
  std::span<const std::int64_t> wanted = {};

  Tensor<T> of(Tensor<T> x, Pass<T>& pass) const {
    return wanted.empty() ? std::move(x) : gather<T>(x, wanted, pass);
  }
};

/// What the blocks of one call share.
template <class T>
struct Call {
  const Transformer<T>& stack;
  Asking<T> all, last;  // of all blocks but the last, and of the last
  DistanceBias<T> bias;
};

template <class T>
Tensor<T> turned(Tensor<T> x, const Rotation<T>& rotation, const RotaryHeads& heads, Pass<T>& pass) {
  return rotation.empty() ? std::move(x) : rotate(std::move(x), rotation, heads, pass);
}

/// One block: [N,C] -> [Nq,C]
template <class T>
Tensor<T> block(Tensor<T> x, std::size_t layer, const Call<T>& call, Pass<T>& pass) {
  const auto& config = call.stack.config;
  const auto& self = config.attention;
  const auto& w = call.stack.blocks[layer];
  const auto& asking = layer + 1 == call.stack.blocks.size() ? call.last : call.all;

  const auto h = before(x, w.attention_norm, config.norm_place, pass);  // [N,C]
  x = asking.of(std::move(x), pass);                                    // [Nq,C]
  auto q = linear(asking.of(h, pass), w.attention.query, pass);         // [Nq, H*D]
  auto kv = linear(h, w.attention.key_value, pass);                     // [N, 2*H*D]
  q = turned(std::move(q), asking.rotation, {self.heads, self.head_width, self.rotary.pairs}, pass);
  kv = turned(std::move(kv), call.all.rotation, {self.key_value_heads, self.head_width, self.rotary.pairs},
              pass);
  const auto attended = attention<T>(
      {std::move(q), std::move(kv), asking.sequences, call.all.sequences, call.bias}, self, pass);
  x = residual(std::move(x), attended, w.attention.output, w.attention_scale, pass);
  x = behind(std::move(x), w.attention_norm, config.norm_place, pass);

  const auto e = hidden(before(x, w.mlp_norm, config.norm_place, pass), config, w.mlp, pass);  // [Nq,E]
  x = residual(std::move(x), e, w.mlp.down, w.mlp_scale, pass);
  return behind(std::move(x), w.mlp_norm, config.norm_place, pass);
}

/// The rotation of all rows as it is given, or by their positions; empty where nothing turns.
template <class T>
Rotation<T> rotation_of(const TransformerInput<T>& input, const AttentionConfig& config) {
  if (config.position != PositionScheme::rotary) return {};
  if (input.rotation) return *input.rotation;
  const auto& sequences = input.sequences;
  return rotation<T>(sequences, rotary_frequencies(config.rotary, config.head_width, sequences.positions()));
}

template <class T>
Call<T> call_of(const Transformer<T>& stack, const TransformerInput<T>& input, Pass<T>& pass) {
  const auto& config = stack.config.attention;
  Call<T> call{stack, {input.sequences, rotation_of(input, config)}, {}, {}};
  call.last = call.all;
  if (!input.wanted.empty()) {
    Pass<T> plain;  // angles have no gradient
    const auto wanted = [&](const Tensor<T>& angles) {
      return angles.empty() ? angles : gather<T>(angles, input.wanted, plain);
    };
    const auto& [cosines, sines] = call.all.rotation;
    call.last = {input.sequences.single(input.wanted), {wanted(cosines), wanted(sines)}, input.wanted};
  }
  if (config.position == PositionScheme::relative_bias) {
    const auto distances = Distances::between(input.sequences, input.sequences);
    call.bias = relative_bias(stack.relative_bias, config.relative, distances, pass);
  }
  return call;
}

}  // namespace

template <class T>
Tensor<T> mlp(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& weights, Pass<T>& pass) {
  return linear(hidden(x, config, weights, pass), weights.down, pass);
}

template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& stack, const TransformerInput<T>& input,
                      Pass<T>& pass) {
  if (x.rows() != input.sequences.rows()) {
    throw Error(ErrorCode::invalid_argument, "[transformer] rows " + x.shape().string() +
                                                 " for sequences of " +
                                                 std::to_string(input.sequences.rows()));
  }
  const auto call = call_of(stack, input, pass);
  if (stack.blocks.empty()) return call.last.of(std::move(x), pass);
  for (std::size_t layer = 0; layer < stack.blocks.size(); ++layer)
    x = block(std::move(x), layer, call, pass);
  return x;
}

void pack(Transformer<float>& transformer, WeightType type) {
  const auto count = static_cast<std::int64_t>(transformer.blocks.size());
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      auto& block = transformer.blocks[static_cast<std::size_t>(i)];
      auto& [query, key_value, output] = block.attention;
      for (auto* weights : {&query, &key_value, &output, &block.mlp.up, &block.mlp.down})
        pack(*weights, type);
      if (block.mlp.gate.present()) pack(block.mlp.gate, type);
    }
  });
}

template Tensor<float> mlp(const Tensor<float>&, const BlockConfig&, const MlpWeights<float>&, Pass<float>&);
template Tensor<double> mlp(const Tensor<double>&, const BlockConfig&, const MlpWeights<double>&,
                            Pass<double>&);
template Tensor<float> transformer(Tensor<float>, const Transformer<float>&, const TransformerInput<float>&,
                                   Pass<float>&);
template Tensor<double> transformer(Tensor<double>, const Transformer<double>&,
                                    const TransformerInput<double>&, Pass<double>&);

}  // namespace beeld
