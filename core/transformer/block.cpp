#include "core/transformer/block.h"

#include <beeld/error.h>

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

/// One block. `wanted` names the rows to go on with, one of each sequence; empty: all.
template <class T>
Tensor<T> block(Tensor<T> x, const BlockConfig& config, const BlockWeights<T>& w, Pass<T>& pass,
                std::span<const std::int64_t> wanted) {
  const auto keys = pass.sequences;
  const auto h = before(x, w.attention_norm, config.norm_place, pass);  // [N,C]
  auto asking = h;
  if (!wanted.empty()) {
    pass.sequences = Sequences::equal(keys.count(), 1);
    x = gather(x, wanted, pass);       // [B,C]
    asking = gather(h, wanted, pass);  // [B,C]
  }
  const auto attended = multi_head_attention<T>({asking, h, pass.sequences, keys}, config, w.attention, pass);
  x = residual(std::move(x), attended, w.attention.output, w.attention_scale, pass);
  x = behind(std::move(x), w.attention_norm, config.norm_place, pass);

  const auto e = hidden(before(x, w.mlp_norm, config.norm_place, pass), config, w.mlp, pass);  // [N,E]
  x = residual(std::move(x), e, w.mlp.down, w.mlp_scale, pass);
  return behind(std::move(x), w.mlp_norm, config.norm_place, pass);
}

void check_wanted(const Sequences& sequences, AttentionMask mask, std::span<const std::int64_t> wanted) {
  bool fits = static_cast<std::int64_t>(wanted.size()) == sequences.count();
  for (std::size_t b = 0; fits && b < wanted.size(); ++b) {
    const auto first = sequences.begin[b], last = sequences.begin[b + 1] - 1;
    fits = mask == AttentionMask::causal ? wanted[b] == last : wanted[b] >= first && wanted[b] <= last;
  }
  if (!fits)
    throw Error(ErrorCode::invalid_argument, "[transformer] the wanted rows do not fit the sequences");
}

}  // namespace

template <class T>
Tensor<T> mlp(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& weights, Pass<T>& pass) {
  return linear(hidden(x, config, weights, pass), weights.down, pass);
}

template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& weights, Pass<T>& pass) {
  for (const auto& w : weights.blocks) x = block(std::move(x), weights.config, w, pass, {});
  return x;
}

template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& weights, Pass<T>& pass,
                      std::span<const std::int64_t> wanted) {
  check_wanted(pass.sequences, weights.config.mask, wanted);
  // A rotated query must know its place, which a single row does not.
  if (weights.blocks.empty() || weights.config.position == PositionScheme::rotary) {
    return gather(transformer(std::move(x), weights, pass), wanted, pass);
  }
  for (std::size_t i = 0; i + 1 < weights.blocks.size(); ++i) {
    x = block(std::move(x), weights.config, weights.blocks[i], pass, {});
  }
  return block(std::move(x), weights.config, weights.blocks.back(), pass, wanted);
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
template Tensor<float> transformer(Tensor<float>, const Transformer<float>&, Pass<float>&);
template Tensor<double> transformer(Tensor<double>, const Transformer<double>&, Pass<double>&);
template Tensor<float> transformer(Tensor<float>, const Transformer<float>&, Pass<float>&,
                                   std::span<const std::int64_t>);
template Tensor<double> transformer(Tensor<double>, const Transformer<double>&, Pass<double>&,
                                    std::span<const std::int64_t>);

}  // namespace beeld
