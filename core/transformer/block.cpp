#include "core/transformer/block.h"

#include <beeld/error.h>

#include <string>
#include <utility>

#include "core/base/parallel.h"
#include "core/ops/activation.h"
#include "core/ops/rows.h"

namespace beeld {

namespace {

/// What a residual branch reads: the rows, normed in a pre-norm block.
template <class T>
Tensor<T> before(const Tensor<T>& x, const Norm<T>& weights, NormPlace place, Pass<T>& pass) {
  return place == NormPlace::pre ? norm(x, weights, pass) : x;
}

/// How a residual branch ends.
template <class T>
struct BranchEnd {
  const Linear<T>& output;  // [C, H*D or E]
  const Tensor<T>& scale;   // [C], or empty
  const Norm<T>& norm;
  NormPlace place;
};

/// x + scale * (h W^T + b), with the norm where it stands: the residual is added inside the product where
/// nothing comes between.
template <class T>
Tensor<T> residual(Tensor<T> x, const Tensor<T>& h, const BranchEnd<T>& end, Pass<T>& pass) {
  if (end.place == NormPlace::tail)
    return add(std::move(x), norm(linear(h, end.output, pass), end.norm, pass), end.scale, pass);
  if (end.scale.empty()) {
    x = linear_residual(h, end.output, std::move(x), pass);
  } else {
    x = add(std::move(x), linear(h, end.output, pass), end.scale, pass);
  }
  return end.place == NormPlace::post ? norm(x, end.norm, pass) : x;
}

/// The norms inside a branch, which are there or empty.
template <class T>
Tensor<T> inner(Tensor<T> x, const Norm<T>& weights, Pass<T>& pass) {
  return weights.gain.empty() ? std::move(x) : norm(x, weights, pass);
}

template <class T>
Tensor<T> inner_heads(Tensor<T> x, const Norm<T>& weights, std::int64_t heads, Pass<T>& pass) {
  return weights.gain.empty() ? std::move(x) : norm_heads(x, weights, heads, pass);
}

template <class T>
Tensor<T> hidden(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& w, Pass<T>& pass) {
  if (config.gating == Gating::none)
    return inner(linear(x, w.up, pass, config.activation), w.inner_norm, pass);  // [N,E]
  auto e = gate(linear(x, w.gate, pass), linear(x, w.up, pass), config.activation, pass);
  return inner(std::move(e), w.inner_norm, pass);
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
  const TransformerInput<T>& input;
  const Sequences& keys;  // the rows, behind those that a cache holds
  Asking<T> all, last;    // of all blocks but the last, and of the last
  DistanceBias<T> bias;
};

/// One block of them.
template <class T>
struct Step {
  const Call<T>& call;
  int layer;
  const BlockWeights<T>& weights;
  const Asking<T>& asking;
};

template <class T>
Tensor<T> turned(Tensor<T> x, const Rotation<T>& rotation, const RotaryHeads& heads, Pass<T>& pass) {
  return rotation.empty() ? std::move(x) : rotate(std::move(x), rotation, heads, pass);
}

/// The rows that go on ask all rows of their sequence: [N,C] -> [Nq, H*D]
template <class T>
Tensor<T> self_attention(const Tensor<T>& h, const Step<T>& step, Pass<T>& pass) {
  const auto& [call, layer, w, asking] = step;
  const auto& config = call.stack.config.attention;
  auto q = linear(asking.of(h, pass), w.attention.query, pass);  // [Nq, H*D]
  auto kv = linear(h, w.attention.key_value, pass);              // [N, 2*H*D]
  q = inner_heads(std::move(q), w.attention.query_norm, config.heads, pass);
  kv = inner_heads(std::move(kv), w.attention.key_norm, config.key_value_heads, pass);
  const auto pairs = config.rotary.pairs;
  q = turned(std::move(q), asking.rotation, {config.heads, config.head_width, pairs}, pass);
  kv = turned(std::move(kv), call.all.rotation, {config.key_value_heads, config.head_width, pairs}, pass);
  auto* cache = call.input.cache;
  if (cache) cache->write(layer, std::exchange(kv, {}));
  auto y = attention<T>({std::move(q),
                         std::move(kv),
                         asking.sequences,
                         call.keys,
                         call.bias,
                         {AttentionKind::self, layer},
                         cache},
                        config, pass);
  return inner(std::move(y), w.attention.inner_norm, pass);
}

/// They ask the memory: [Nq,C] -> [Nq, H*D]
template <class T>
Tensor<T> cross_attention(const Tensor<T>& h, const Step<T>& step, Pass<T>& pass) {
  const auto& [call, layer, w, asking] = step;
  const auto& memory = *call.input.memory;
  auto q = linear(h, w.cross_attention.query, pass);  // [Nq, H*D]
  return attention<T>({.q = std::move(q),
                       .kv = memory.key_values[static_cast<std::size_t>(layer)],
                       .queries = asking.sequences,
                       .keys = memory.sequences,
                       .place = {AttentionKind::cross, layer}},
                      *call.stack.config.cross_attention, pass);
}

/// One block: [N,C] -> [Nq,C]
template <class T>
Tensor<T> block(Tensor<T> x, const Step<T>& step, Pass<T>& pass) {
  const auto& config = step.call.stack.config;
  const auto& w = step.weights;
  const auto place = config.norm_place;

  const auto h = before(x, w.attention_norm, place, pass);  // [N,C]
  const auto attended = self_attention(h, step, pass);      // [Nq, H*D]
  x = residual<T>(step.asking.of(std::move(x), pass), attended,
                  {w.attention.output, w.attention_scale, w.attention_norm, place}, pass);  // [Nq,C]

  if (step.call.input.memory) {
    const auto crossed = cross_attention(before(x, w.cross_attention_norm, place, pass), step, pass);
    const Tensor<T> no_scale;
    x = residual<T>(std::move(x), crossed,
                    {w.cross_attention.output, no_scale, w.cross_attention_norm, place}, pass);
  }

  const auto e = hidden(before(x, w.mlp_norm, place, pass), config, w.mlp, pass);  // [Nq,E]
  return residual<T>(std::move(x), e, {w.mlp.down, w.mlp_scale, w.mlp_norm, place}, pass);
}

/// The rotation of all rows as it is given, or by their positions; empty where nothing turns.
template <class T>
Rotation<T> rotation_of(const TransformerInput<T>& input, const AttentionConfig& config) {
  if (config.position != PositionScheme::rotary) return {};
  if (input.rotation) return *input.rotation;
  const auto at = [&](std::int64_t length) {
    return rotary_frequencies(config.rotary, config.head_width, length);
  };
  const auto frequencies = at(input.sequences.positions());
  if (input.cache && input.cache->sequences().rows() > 0 &&
      at(input.cache->sequences().positions()).inverse != frequencies.inverse) {
    throw Error(
        ErrorCode::invalid_argument,
        "[transformer] rotary frequencies for " + std::to_string(input.sequences.positions()) +
            " positions are not those of the cached keys: the rotation of the length to come is needed");
  }
  return rotation<T>(input.sequences, frequencies);
}

/// The wanted rows, or all.
template <class T>
Asking<T> last_of(const Asking<T>& all, std::span<const std::int64_t> wanted) {
  if (wanted.empty()) return all;
  Pass<T> plain;  // angles have no gradient
  const auto of = [&](const Tensor<T>& angles) {
    return angles.empty() ? angles : gather<T>(angles, wanted, plain);
  };
  return {all.sequences.single(wanted), {of(all.rotation.cosines), of(all.rotation.sines)}, wanted};
}

template <class T>
void check(const Tensor<T>& x, const Transformer<T>& stack, const TransformerInput<T>& input,
           const Pass<T>& pass) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::invalid_argument, "[transformer] " + what);
  };
  if (x.rows() != input.sequences.rows())
    fail("rows " + x.shape().string() + " for sequences of " + std::to_string(input.sequences.rows()));
  if (input.cache && pass.tape) fail("a cache keeps no gradients");
  if (!input.memory) return;
  if (!stack.config.cross_attention) fail("a memory for blocks without cross-attention");
  if (input.memory->key_values.size() != stack.blocks.size())
    fail("a memory for " + std::to_string(input.memory->key_values.size()) + " blocks");
}

}  // namespace

template <class T>
Tensor<T> mlp(const Tensor<T>& x, const BlockConfig& config, const MlpWeights<T>& weights, Pass<T>& pass) {
  return linear(hidden(x, config, weights, pass), weights.down, pass);
}

template <class T>
ProjectedMemory<T> project(const Memory<T>& memory, const Transformer<T>& stack, Pass<T>& pass) {
  ProjectedMemory<T> projected{{}, memory.sequences};
  for (const auto& block : stack.blocks)
    projected.key_values.push_back(linear(memory.rows, block.cross_attention.key_value, pass));
  return projected;
}

template <class T>
Tensor<T> transformer(Tensor<T> x, const Transformer<T>& stack, const TransformerInput<T>& input,
                      Pass<T>& pass) {
  check(x, stack, input, pass);
  const auto& config = stack.config.attention;
  const Asking<T> all{input.sequences, rotation_of(input, config)};
  auto* cache = input.cache;
  if (cache) cache->open(input.sequences);
  Call<T> call{stack, input, cache ? cache->keys() : input.sequences, all, last_of(all, input.wanted), {}};
  if (config.position == PositionScheme::relative_bias) {
    const auto distances = Distances::between(input.sequences, call.keys);
    call.bias = relative_bias(stack.relative_bias, config.relative, distances, pass);
  }

  const auto layers = static_cast<int>(stack.blocks.size());
  if (layers == 0) x = call.last.of(std::move(x), pass);
  for (int layer = 0; layer < layers; ++layer) {
    const auto& asking = layer + 1 == layers ? call.last : call.all;
    x = block<T>(std::move(x), {call, layer, stack.blocks[static_cast<std::size_t>(layer)], asking}, pass);
  }
  if (cache) cache->close();
  return x;
}

void pack(Transformer<float>& transformer, WeightType type) {
  const auto count = static_cast<std::int64_t>(transformer.blocks.size());
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      auto& block = transformer.blocks[static_cast<std::size_t>(i)];
      for (auto* attention : {&block.attention, &block.cross_attention}) {
        if (!attention->query.present()) continue;
        for (auto* weights : {&attention->query, &attention->key_value, &attention->output})
          pack(*weights, type);
      }
      for (auto* weights : {&block.mlp.up, &block.mlp.down}) pack(*weights, type);
      if (block.mlp.gate.present()) pack(block.mlp.gate, type);
    }
  });
}

template Tensor<float> mlp(const Tensor<float>&, const BlockConfig&, const MlpWeights<float>&, Pass<float>&);
template Tensor<double> mlp(const Tensor<double>&, const BlockConfig&, const MlpWeights<double>&,
                            Pass<double>&);
template ProjectedMemory<float> project(const Memory<float>&, const Transformer<float>&, Pass<float>&);
template ProjectedMemory<double> project(const Memory<double>&, const Transformer<double>&, Pass<double>&);
template Tensor<float> transformer(Tensor<float>, const Transformer<float>&, const TransformerInput<float>&,
                                   Pass<float>&);
template Tensor<double> transformer(Tensor<double>, const Transformer<double>&,
                                    const TransformerInput<double>&, Pass<double>&);

}  // namespace beeld
