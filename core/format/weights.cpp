#include "core/format/weights.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/kernels.h"

namespace beeld {

namespace {

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

/// [1,17,48] holds [17,48], and [48,3,8,8] holds [48,192]: equal once extents of one are dropped and the
/// file's tail is flattened. [48,17] does not hold [17,48].
bool holds(const std::vector<std::int64_t>& stored, const Shape& wanted) {
  std::vector<std::int64_t> from, to;
  for (const auto extent : stored) {
    if (extent != 1) from.push_back(extent);
  }
  for (std::size_t i = 0; i < wanted.rank(); ++i) {
    if (wanted[i] != 1) to.push_back(wanted[i]);
  }
  while (from.size() > to.size() && from.size() > 1) {
    auto& last = from[from.size() - 2];
    if (__builtin_mul_overflow(last, from.back(), &last)) return false;
    from.pop_back();
  }
  return from == to;
}

Tensor<float> widen(const TensorEntry& entry, Shape shape) {
  auto* bytes = entry.bytes.data();
  const auto count = static_cast<std::size_t>(shape.size());
  if (entry.dtype == DType::f32 && reinterpret_cast<std::uintptr_t>(bytes) % alignof(float) == 0) {
    return Tensor<float>::view(shape, reinterpret_cast<float*>(bytes), entry.owner);
  }
  Tensor<float> result(shape);
  for (std::size_t i = 0; i < count && entry.dtype == DType::f64; ++i) {
    double value = 0;
    std::memcpy(&value, bytes + i * sizeof value, sizeof value);
    result.data()[i] = static_cast<float>(value);
  }
  if (entry.dtype == DType::f32) std::memcpy(result.data(), bytes, count * sizeof(float));
  if (entry.dtype == DType::f16) widen_f16(bytes, count, result.data());
  if (entry.dtype == DType::bf16) widen_bf16(bytes, count, result.data());
  return result;
}

}  // namespace

Tensor<float> join_rows(const Tensor<float>& first, const Tensor<float>& second) {
  const auto rows = first.shape()[0] + second.shape()[0];
  Tensor<float> both(first.shape().rank() == 1 ? Shape{rows} : Shape{rows, first.columns()});
  std::copy_n(first.data(), first.size(), both.data());
  std::copy_n(second.data(), second.size(), both.data() + first.size());
  return both;
}

Linear<float> slice_outputs(const Linear<float>& weights, std::int64_t begin, std::int64_t end) {
  Linear<float> part;
  if (weights.read) {
    part.weight = Tensor<float>::view({end - begin, weights.weight.columns()}, nullptr, nullptr);
    part.read = [read = weights.read, begin, end] { return read().slice(begin, end); };
  } else {
    part.weight = weights.weight.slice(begin, end);
  }
  if (!weights.bias.empty()) part.bias = weights.bias.slice(begin, end);
  return part;
}

WeightReader::WeightReader(const Checkpoint& checkpoint, std::string name, WeightUse use)
    : checkpoint_(&checkpoint), name_(std::move(name)), use_(use) {}

WeightReader::WeightReader(std::uint64_t seed) : name_("a new model"), random_(seed) {}

const TensorEntry& WeightReader::entry_of(const std::string& name, Shape shape) const {
  const auto* entry = checkpoint_->find(name);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::corrupt,
                "[weights] " + name_ + ": " + name + " should be " + shape.string() + what);
  };
  if (!entry) fail(", but there is no such tensor");
  if (!holds(entry->shape, shape)) fail(", but is " + text_of(entry->shape));
  if (entry->dtype != DType::f32 && entry->dtype != DType::f16 && entry->dtype != DType::bf16 &&
      entry->dtype != DType::f64) {
    fail(" of floating point, but is of " + std::string(name_of(entry->dtype)));
  }
  return *entry;
}

void WeightReader::draw(Tensor<float>& values, Initial initial) {
  if (initial == Initial::ones || initial == Initial::zeros) {
    std::fill_n(values.data(), values.size(), initial == Initial::ones ? 1.0F : 0.0F);
    return;
  }
  const double deviation =
      initial == Initial::table ? 0.02 : 1 / std::sqrt(static_cast<double>(values.columns()));
  for (std::int64_t i = 0; i < values.size(); ++i)
    values.data()[i] = static_cast<float>(random_.normal() * deviation);
}

void WeightReader::read_into(const std::string& name, Tensor<float> values, Initial initial,
                             std::vector<std::int64_t> stored) {
  if (read_.insert(name).second) parameters_ += static_cast<std::size_t>(values.size());
  if (checkpoint_) {
    const auto& entry = entry_of(name, values.shape());
    const auto widened = widen(entry, values.shape());
    std::copy_n(widened.data(), widened.size(), values.data());
    stored = entry.shape;
  } else {
    draw(values, initial);
  }
  if (stored.empty()) {
    for (std::size_t i = 0; i < values.shape().rank(); ++i) stored.push_back(values.shape()[i]);
  }
  if (use_ == WeightUse::training) named_.push_back({name, std::move(stored), std::move(values)});
}

Tensor<float> WeightReader::fetch(const std::string& name, Shape shape, Initial initial,
                                  std::vector<std::int64_t> stored) {
  if (use_ != WeightUse::training) {
    const auto& entry = entry_of(name, shape);
    if (read_.insert(name).second) parameters_ += static_cast<std::size_t>(shape.size());
    return widen(entry, shape);
  }
  Tensor<float> values(shape);
  read_into(name, values, initial, std::move(stored));
  return values;
}

Tensor<float> WeightReader::read(const std::string& name, Shape shape, std::vector<std::int64_t> stored) {
  return fetch(name, shape, Initial::table, std::move(stored));
}

float WeightReader::scalar(const std::string& name, float initial) {
  const auto value = fetch(name, {1}, Initial::zeros);
  if (use_ == WeightUse::training) named_.back().shape.clear();
  if (!checkpoint_) *named_.back().values.data() = initial;
  return *value.data();
}

Linear<float> WeightReader::linear(const std::string& prefix, Shape out_in, Bias bias,
                                   std::vector<std::int64_t> stored) {
  Linear<float> weights;
  weights.weight = fetch(prefix + "weight", out_in, Initial::matrix, std::move(stored));
  if (bias == Bias::present) weights.bias = fetch(prefix + "bias", {out_in[0]}, Initial::zeros);
  return weights;
}

Linear<float> WeightReader::joined(std::initializer_list<std::string> prefixes, Shape each, Bias bias) {
  const auto rows = each[0], count = static_cast<std::int64_t>(prefixes.size());
  Linear<float> all;
  all.weight = Tensor<float>({count * rows, each[1]});
  if (bias == Bias::present) all.bias = Tensor<float>({count * rows});
  std::int64_t begin = 0;
  for (const auto& prefix : prefixes) {
    read_into(prefix + "weight", all.weight.slice(begin, begin + rows), Initial::matrix);
    if (bias == Bias::present)
      read_into(prefix + "bias", all.bias.slice(begin, begin + rows), Initial::zeros);
    begin += rows;
  }
  return all;
}

Linear<float> WeightReader::block_linear(std::initializer_list<std::string> prefixes, Shape each, Bias bias) {
  const auto count = static_cast<std::int64_t>(prefixes.size()), rows = each[0];
  if (use_ != WeightUse::packing)
    return count == 1 ? linear(*prefixes.begin(), each, bias) : joined(prefixes, each, bias);

  Linear<float> all;
  std::vector<TensorEntry> stored;
  if (bias == Bias::present) all.bias = Tensor<float>({count * rows});
  for (const auto& prefix : prefixes) {
    const auto begin = static_cast<std::int64_t>(stored.size()) * rows;
    stored.push_back(entry_of(prefix + "weight", each));
    if (read_.insert(prefix + "weight").second) parameters_ += static_cast<std::size_t>(each.size());
    if (bias == Bias::present)
      read_into(prefix + "bias", all.bias.slice(begin, begin + rows), Initial::zeros);
  }
  all.weight = Tensor<float>::view({count * rows, each[1]}, nullptr, nullptr);
  all.read = [stored = std::move(stored), each] {
    auto weight = widen(stored[0], each);
    for (std::size_t i = 1; i < stored.size(); ++i) weight = join_rows(weight, widen(stored[i], each));
    return weight;
  };
  return all;
}

Linear<float> WeightReader::head(const std::string& prefix, std::int64_t inputs) {
  const auto stored = shape(prefix + "weight");
  const auto outputs = stored.size() == 2 ? stored[0] : 0;
  return linear(prefix, {std::max<std::int64_t>(outputs, 1), inputs}, Bias::present);
}

Norm<float> WeightReader::norm(const std::string& prefix, const BlockConfig& config) {
  Norm<float> weights{.kind = config.norm, .eps = config.norm_eps, .gain = {}, .bias = {}};
  weights.gain = fetch(prefix + "weight", {config.width}, Initial::ones);
  if (config.norm == NormKind::layer && config.norm_bias == Bias::present) {
    weights.bias = fetch(prefix + "bias", {config.width}, Initial::zeros);
  }
  return weights;
}

AttentionWeights<float> WeightReader::attention(const std::string& prefix, const BlockConfig& config,
                                                const BlockNames& names) {
  const std::int64_t width = config.width;
  const auto& attention = config.attention;
  const std::int64_t query_width = attention.heads * attention.head_width;
  const std::int64_t key_width = attention.key_value_heads * attention.head_width;
  const auto bias = attention.query_key_value_bias;
  AttentionWeights<float> weights;
  if (names.query_key_value) {
    const auto all =
        block_linear({prefix + names.query_key_value}, {query_width + 2 * key_width, width}, bias);
    weights.query = slice_outputs(all, 0, query_width);
    weights.key_value = slice_outputs(all, query_width, query_width + 2 * key_width);
  } else {
    weights.query = block_linear({prefix + names.query}, {query_width, width}, bias);
    weights.key_value = block_linear({prefix + names.key, prefix + names.value}, {key_width, width}, bias);
  }
  weights.output = block_linear({prefix + names.output}, {width, query_width}, attention.output_bias);
  return weights;
}

AttentionWeights<float> WeightReader::cross_attention(const std::string& prefix, const BlockConfig& config,
                                                      const BlockNames& names) {
  const auto& attention = *config.cross_attention;
  const std::int64_t width = config.width, query_width = attention.heads * attention.head_width;
  const Shape each{attention.key_value_heads * attention.head_width, config.memory_width};
  const auto bias = attention.query_key_value_bias;
  AttentionWeights<float> weights;
  weights.query = block_linear({prefix + names.cross_query}, {query_width, width}, bias);
  weights.key_value = block_linear({prefix + names.cross_key, prefix + names.cross_value}, each, bias);
  weights.output = block_linear({prefix + names.cross_output}, {width, query_width}, attention.output_bias);
  return weights;
}

MlpWeights<float> WeightReader::mlp(const std::string& prefix, const BlockConfig& config,
                                    const BlockNames& names) {
  const std::int64_t width = config.width, inner = config.mlp_width;
  MlpWeights<float> weights;
  if (config.gating == Gating::gated && names.gate_up) {
    const auto both = block_linear({prefix + names.gate_up}, {2 * inner, width}, config.mlp_bias);
    weights.gate = slice_outputs(both, 0, inner);
    weights.up = slice_outputs(both, inner, 2 * inner);
  } else {
    if (config.gating == Gating::gated)
      weights.gate = block_linear({prefix + names.gate}, {inner, width}, config.mlp_bias);
    weights.up = block_linear({prefix + names.up}, {inner, width}, config.mlp_bias);
  }
  weights.down = block_linear({prefix + names.down}, {width, inner}, config.mlp_bias);
  return weights;
}

Transformer<float> WeightReader::transformer(const BlockConfig& config, int layers, const BlockNames& names,
                                             const std::function<std::string(int)>& prefix) {
  Transformer<float> stack{config, {}, {}};
  for (int i = 0; i < layers; ++i) {
    const auto begin = prefix(i);
    BlockWeights<float> block;
    block.attention_norm = norm(begin + names.attention_norm, config);
    block.attention = attention(begin, config, names);
    if (config.cross_attention) {
      block.cross_attention_norm = norm(begin + names.cross_attention_norm, config);
      block.cross_attention = cross_attention(begin, config, names);
    }
    block.mlp_norm = norm(begin + names.mlp_norm, config);
    block.mlp = mlp(begin, config, names);
    if (config.residual_scale == ResidualScale::learned) {
      block.attention_scale = read(begin + names.attention_scale, {config.width});
      block.mlp_scale = read(begin + names.mlp_scale, {config.width});
    }
    if (!checkpoint_) {
      const auto branches = config.cross_attention ? 3.0F : 2.0F;
      const auto factor = 1 / std::sqrt(branches * static_cast<float>(layers));
      for (auto* weight :
           {&block.attention.output.weight, &block.cross_attention.output.weight, &block.mlp.down.weight}) {
        if (weight->empty()) continue;
        std::for_each_n(weight->data(), weight->size(), [factor](float& value) { value *= factor; });
      }
    }
    stack.blocks.push_back(std::move(block));
  }
  const auto& attention = config.attention;
  if (attention.position == PositionScheme::relative_bias && layers > 0) {
    stack.relative_bias = read(prefix(0) + names.relative_bias, {attention.relative.count, attention.heads});
  }
  return stack;
}

std::vector<std::int64_t> WeightReader::shape(std::string_view name) const {
  const auto* entry = checkpoint_ ? checkpoint_->find(name) : nullptr;
  return entry ? entry->shape : std::vector<std::int64_t>{};
}

void WeightReader::ignore(std::initializer_list<std::string_view> names) {
  ignored_.insert(ignored_.end(), names.begin(), names.end());
}

void WeightReader::done() const {
  if (!checkpoint_) return;
  std::string unknown;
  for (const auto& name : checkpoint_->names()) {
    const bool harmless = std::any_of(ignored_.begin(), ignored_.end(), [&](const std::string& pattern) {
      return pattern.front() == '.' ? name.ends_with(pattern) : name == pattern;
    });
    if (!harmless && !read_.contains(name) && unknown.size() < 400)
      unknown += (unknown.empty() ? "" : ", ") + name;
  }
  if (!unknown.empty()) {
    throw Error(ErrorCode::unsupported,
                "[weights] " + name_ + ": tensors that the configuration does not account for: " + unknown);
  }
}

Tensor<float> transpose(const Tensor<float>& matrix) {
  Tensor<float> result({matrix.columns(), matrix.rows()});
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    for (std::int64_t j = 0; j < matrix.columns(); ++j) result.row(j)[i] = matrix.row(i)[j];
  }
  return result;
}

}  // namespace beeld
