#include "core/format/weights.h"

#include <beeld/error.h>
#include <sys/mman.h>

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

Tensor<float> as_floats(const TensorEntry& entry, Shape shape) {
  auto* bytes = entry.bytes.data();
  if (entry.dtype == DType::f32 && reinterpret_cast<std::uintptr_t>(bytes) % alignof(float) == 0) {
    return Tensor<float>::view(shape, reinterpret_cast<float*>(bytes), entry.owner);
  }
  Tensor<float> result(shape);
  widen(entry.dtype, bytes, static_cast<std::size_t>(shape.size()), result.data());
  return result;
}

/// Zeros that take no memory: pages that nobody has written to.
class Zeros {
 public:
  explicit Zeros(std::size_t bytes) : size_(bytes) {
    data_ =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data_ == MAP_FAILED) {
      throw Error(ErrorCode::limit,
                  "[weights] a tensor of " + std::to_string(bytes) + " bytes does not fit the address space");
    }
  }
  ~Zeros() { ::munmap(data_, size_); }
  Zeros(const Zeros&) = delete;
  Zeros& operator=(const Zeros&) = delete;

  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace

Tensor<float> join_rows(const Tensor<float>& first, const Tensor<float>& second) {
  const auto rows = first.shape()[0] + second.shape()[0];
  Tensor<float> both(first.shape().rank() == 1 ? Shape{rows} : Shape{rows, first.columns()});
  std::copy_n(first.data(), first.size(), both.data());
  std::copy_n(second.data(), second.size(), both.data() + first.size());
  return both;
}

WeightReader::WeightReader(const Checkpoint& checkpoint, std::string name, WeightUse use)
    : checkpoint_(&checkpoint), name_(std::move(name)), use_(use) {}

WeightReader::WeightReader(std::uint64_t seed) : name_("a new model"), random_(seed) {}

WeightReader WeightReader::blank() {
  WeightReader reader(std::uint64_t{0});
  reader.name_ = "a configuration";
  reader.use_ = WeightUse::none;
  return reader;
}

const TensorEntry& WeightReader::blank_entry(const std::string& name, Shape shape) {
  const auto zeros = std::make_shared<const Zeros>(static_cast<std::size_t>(shape.size()) * sizeof(float));
  TensorEntry entry{.dtype = DType::f32, .shape = {}, .bytes = zeros->bytes(), .owner = zeros};
  for (std::size_t i = 0; i < shape.rank(); ++i) entry.shape.push_back(shape[i]);
  return blanks_.insert_or_assign(name, std::move(entry)).first->second;
}

const TensorEntry& WeightReader::entry_of(const std::string& name, Shape shape) {
  if (use_ == WeightUse::none) {
    if (read_.insert(name).second) parameters_ += static_cast<std::size_t>(shape.size());
    return blank_entry(name, shape);
  }
  const auto* entry = checkpoint_->find(name);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::corrupt,
                "[weights] " + name_ + ": " + name + " should be " + shape.string() + what);
  };
  if (!entry) fail(", but there is no such tensor");
  if (!holds(entry->shape, shape)) fail(", but is " + text_of(entry->shape));
  if (!is_floating(entry->dtype)) {
    fail(" of floating point, but is of " + std::string(name_of(entry->dtype)));
  }
  if (read_.insert(name).second) parameters_ += static_cast<std::size_t>(shape.size());
  return *entry;
}

StoredPart WeightReader::part_of(const Asked& asked, Shape shape) {
  const bool transposed = asked.layout == Layout::transposed;
  const auto& entry = entry_of(asked.name, transposed ? Shape{shape[1], shape[0]} : shape);
  return {entry.dtype, asked.layout, shape[0], shape[1], entry.bytes.data(), entry.owner};
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

void WeightReader::read_into(Asked asked, Tensor<float> values) {
  const auto& shape = values.shape();
  if (!checkpoint_) {
    draw(values, asked.initial);
    parameters_ += static_cast<std::size_t>(values.size());
  } else if (asked.layout == Layout::transposed) {
    StoredMatrix({part_of(asked, shape)}).read_into(0, shape[0], values.data());
  } else {
    const auto& entry = entry_of(asked.name, shape);
    widen(entry.dtype, entry.bytes.data(), static_cast<std::size_t>(values.size()), values.data());
  }
  if (use_ != WeightUse::training) return;
  if (checkpoint_) asked.stored = this->shape(asked.name);
  if (asked.stored.empty()) {
    for (std::size_t i = 0; i < shape.rank(); ++i) asked.stored.push_back(shape[i]);
    if (asked.layout == Layout::transposed) std::ranges::reverse(asked.stored);
  }
  named_.push_back({std::move(asked.name), std::move(asked.stored), std::move(values), asked.layout});
}

Tensor<float> WeightReader::fetch(Asked asked, Shape shape) {
  if (use_ != WeightUse::training) return as_floats(entry_of(asked.name, shape), shape);
  Tensor<float> values(shape);
  read_into(std::move(asked), values);
  return values;
}

Weight<float> WeightReader::fetch_weight(Asked asked, Shape shape) {
  if (use_ != WeightUse::training) return StoredMatrix({part_of(asked, shape)});
  return fetch(std::move(asked), shape);
}

Tensor<float> WeightReader::read(const std::string& name, Shape shape, std::vector<std::int64_t> stored) {
  return fetch({name, Initial::table, std::move(stored)}, shape);
}

Tensor<float> WeightReader::statistics(const std::string& name, Shape shape) {
  const auto learned = parameters_;
  auto values = read(name, shape);
  parameters_ = learned;
  return values;
}

Weight<float> WeightReader::table(const std::string& name, Shape shape) {
  return fetch_weight({name, Initial::table}, shape);
}

Weight<float> WeightReader::matrix(const std::string& name, Shape out_in, Layout layout) {
  return fetch_weight({.name = name, .initial = Initial::matrix, .layout = layout}, out_in);
}

float WeightReader::scalar(const std::string& name, float initial) {
  const auto value = fetch({name, Initial::zeros}, {1});
  if (use_ == WeightUse::training) named_.back().shape.clear();
  if (draws()) *named_.back().values.data() = initial;
  return *value.data();
}

Linear<float> WeightReader::linear(const std::string& prefix, Shape out_in, Bias bias,
                                   std::vector<std::int64_t> stored) {
  Linear<float> weights;
  weights.weight = fetch_weight({prefix + "weight", Initial::matrix, std::move(stored)}, out_in);
  if (bias == Bias::present) weights.bias = fetch({prefix + "bias", Initial::zeros}, {out_in[0]});
  return weights;
}

Linear<float> WeightReader::joined(std::initializer_list<std::string> prefixes, Shape each, Bias bias,
                                   Layout layout) {
  const auto rows = each[0], all_rows = static_cast<std::int64_t>(prefixes.size()) * rows;
  const auto matrix = use_ == WeightUse::training ? Tensor<float>({all_rows, each[1]}) : Tensor<float>{};
  std::vector<StoredPart> parts;
  Linear<float> all;
  if (bias == Bias::present) all.bias = Tensor<float>({all_rows});
  std::int64_t begin = 0;
  for (const auto& prefix : prefixes) {
    const Asked weight{.name = prefix + "weight", .initial = Initial::matrix, .layout = layout};
    if (use_ == WeightUse::training) {
      read_into(weight, matrix.slice(begin, begin + rows));
    } else {
      parts.push_back(part_of(weight, each));
    }
    if (bias == Bias::present)
      read_into({prefix + "bias", Initial::zeros}, all.bias.slice(begin, begin + rows));
    begin += rows;
  }
  all.weight = use_ == WeightUse::training ? Weight<float>(matrix) : StoredMatrix(std::move(parts));
  return all;
}

Linear<float> WeightReader::head(const std::string& prefix, std::int64_t inputs) {
  const auto stored = shape(prefix + "weight");
  const auto outputs = stored.size() == 2 ? stored[0] : 0;
  return linear(prefix, {std::max<std::int64_t>(outputs, 1), inputs}, Bias::present);
}

Norm<float> WeightReader::norm(const std::string& prefix, const BlockConfig& config) {
  return norm(prefix, config, config.width);
}

Norm<float> WeightReader::norm(const std::string& prefix, const BlockConfig& config, std::int64_t width) {
  Norm<float> weights{.kind = config.norm, .eps = config.norm_eps, .gain = {}, .bias = {}};
  weights.gain = fetch({prefix + "weight", Initial::ones}, {width});
  if (config.norm == NormKind::layer && config.norm_bias == Bias::present) {
    weights.bias = fetch({prefix + "bias", Initial::zeros}, {width});
  }
  return weights;
}

void WeightReader::read_projections(const std::string& prefix, const BlockConfig& config,
                                    const BlockNames& names, AttentionWeights<float>& weights) {
  const std::int64_t width = config.width;
  const auto& attention = config.attention;
  const std::int64_t query_width = attention.heads * attention.head_width;
  const std::int64_t key_width = attention.key_value_heads * attention.head_width;
  const auto bias = attention.query_key_value_bias;
  // Keys without a bias have one of zeros, which is read or drawn nowhere.
  const bool keys_without = bias == Bias::present && attention.key_bias == Bias::absent;
  if (names.query_key_value) {
    const auto own = keys_without ? Bias::absent : bias;
    const auto all =
        joined({prefix + names.query_key_value}, {query_width + 2 * key_width, width}, own, names.layout);
    weights.query = slice_outputs(all, 0, query_width);
    weights.key_value = slice_outputs(all, query_width, query_width + 2 * key_width);
    if (keys_without) weights.query.bias = fetch({prefix + names.query_bias, Initial::zeros}, {query_width});
  } else {
    weights.query = joined({prefix + names.query}, {query_width, width}, bias, names.layout);
    weights.key_value = joined({prefix + names.key, prefix + names.value}, {key_width, width},
                               keys_without ? Bias::absent : bias, names.layout);
  }
  if (!keys_without) return;
  weights.key_value.bias = Tensor<float>::zeros({2 * key_width});
  const auto value_bias = names.query_key_value ? prefix + names.value_bias : prefix + names.value + "bias";
  read_into({value_bias, Initial::zeros}, weights.key_value.bias.slice(key_width, 2 * key_width));
}

AttentionWeights<float> WeightReader::attention(const std::string& prefix, const BlockConfig& config,
                                                const BlockNames& names) {
  const auto& attention = config.attention;
  const std::int64_t head = attention.head_width, all_heads = attention.heads * head;
  AttentionWeights<float> weights;
  read_projections(prefix, config, names, weights);
  if (attention.query_key_norm == InnerNorm::present) {
    weights.query_norm = norm(prefix + names.query_norm, config, head);
    weights.key_norm = norm(prefix + names.key_norm, config, head);
  }
  if (attention.inner_norm == InnerNorm::present)
    weights.inner_norm = norm(prefix + names.inner_norm, config, all_heads);
  weights.output =
      joined({prefix + names.output}, {config.width, all_heads}, attention.output_bias, names.layout);
  return weights;
}

AttentionWeights<float> WeightReader::cross_attention(const std::string& prefix, const BlockConfig& config,
                                                      const BlockNames& names) {
  const auto& attention = *config.cross_attention;
  const std::int64_t width = config.width, query_width = attention.heads * attention.head_width;
  const Shape each{attention.key_value_heads * attention.head_width, config.memory_width};
  const auto bias = attention.query_key_value_bias;
  AttentionWeights<float> weights;
  weights.query = joined({prefix + names.cross_query}, {query_width, width}, bias, names.layout);
  weights.key_value =
      joined({prefix + names.cross_key, prefix + names.cross_value}, each, bias, names.layout);
  weights.output =
      joined({prefix + names.cross_output}, {width, query_width}, attention.output_bias, names.layout);
  return weights;
}

MlpWeights<float> WeightReader::mlp(const std::string& prefix, const BlockConfig& config,
                                    const BlockNames& names) {
  const std::int64_t width = config.width, inner = config.mlp_width;
  MlpWeights<float> weights;
  if (config.gating == Gating::gated && names.gate_up) {
    const auto both = joined({prefix + names.gate_up}, {2 * inner, width}, config.mlp_bias, names.layout);
    weights.gate = slice_outputs(both, 0, inner);
    weights.up = slice_outputs(both, inner, 2 * inner);
  } else {
    if (config.gating == Gating::gated)
      weights.gate = joined({prefix + names.gate}, {inner, width}, config.mlp_bias, names.layout);
    weights.up = joined({prefix + names.up}, {inner, width}, config.mlp_bias, names.layout);
  }
  if (config.mlp_inner_norm == InnerNorm::present)
    weights.inner_norm = norm(prefix + names.mlp_inner_norm, config, inner);
  weights.down = joined({prefix + names.down}, {width, inner}, config.mlp_bias, names.layout);
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
    if (draws()) {
      const auto branches = config.cross_attention ? 3.0F : 2.0F;
      const auto factor = 1 / std::sqrt(branches * static_cast<float>(layers));
      for (auto* branch : {&block.attention.output, &block.cross_attention.output, &block.mlp.down}) {
        if (!branch->present()) continue;
        auto& weight = branch->weight.plain();
        std::for_each_n(weight.data(), weight.size(), [factor](float& value) { value *= factor; });
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
