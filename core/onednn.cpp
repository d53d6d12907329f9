#include "core/onednn.h"

#include <omp.h>

#include <string>
#include <vector>

#include "core/isa.h"

namespace beeld {

namespace {

using dnnl::memory;

void append(dnnl::post_ops& ops, Activation activation) {
  using dnnl::algorithm;
  switch (activation) {
    case Activation::identity:
      return;
    case Activation::relu:
      return ops.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    case Activation::gelu:
      return ops.append_eltwise(1, algorithm::eltwise_gelu_erf, 0, 0);
    case Activation::gelu_tanh:
      return ops.append_eltwise(1, algorithm::eltwise_gelu_tanh, 0, 0);
    case Activation::quick_gelu:
      return ops.append_eltwise(1, algorithm::eltwise_swish, 1.702F, 0);
    case Activation::silu:
      return ops.append_eltwise(1, algorithm::eltwise_swish, 1, 0);
  }
}

// oneDNN takes what it only reads as not const.
void* writable(const void* data) { return const_cast<void*>(data); }

}  // namespace

SequentialOpenMp::SequentialOpenMp() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}

SequentialOpenMp::~SequentialOpenMp() {
  if (before_ != 1) omp_set_num_threads(before_);
}

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine = [] {
    if (isa() == Isa::avx2) dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
    if (isa() < Isa::avx2) dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

dnnl::stream& onednn_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

Error onednn_failure(const dnnl::error& error) {
  return Error(ErrorCode::unsupported, std::string("[product] oneDNN: ") + error.what());
}

OneDnnProduct::OneDnnProduct(std::int64_t n, std::int64_t k, Arithmetic arithmetic)
    : n_(n),
      k_(k),
      x_type_(arithmetic == Arithmetic::floats ? memory::data_type::f32 : memory::data_type::u8),
      weight_type_(arithmetic == Arithmetic::floats ? memory::data_type::f32 : memory::data_type::s8) {
  const SequentialOpenMp sequential;
  // The order of the weights is the one a typical number of rows likes; others accept it.
  constexpr std::int64_t typical_rows = 256;
  const memory::desc any({k, n}, weight_type_, memory::format_tag::any);
  order_ = describe(typical_rows, any, false, {}).weights_desc();
  const auto value_bytes = memory::data_type_size(weight_type_);
  values_ = static_cast<std::int64_t>(order_.get_size() / value_bytes);

  // Columns can be told apart where blocks of them are the outermost things in memory.
  const auto& layout = order_.data.format_desc.blocking;
  std::int64_t block = 1;
  for (int i = 0; i < layout.inner_nblks; ++i) block *= layout.inner_idxs[i] == 1 ? layout.inner_blks[i] : 1;
  const bool apart = layout.strides[1] * (order_.data.padded_dims[1] / block) == values_;
  panel_ = apart ? block : n;
  panel_values_ = apart ? layout.strides[1] : values_;
}

void OneDnnProduct::order(const void* weights, void* ordered) const {
  const SequentialOpenMp sequential;
  memory plain({{k_, n_}, weight_type_, memory::format_tag::ba}, onednn_engine(), writable(weights));
  memory result(order_, onednn_engine(), ordered);
  dnnl::reorder(plain, result).execute(onednn_stream(), plain, result);
  onednn_stream().wait();
}

memory::desc OneDnnProduct::order_of(Columns columns) const {
  if (columns.count() == n_) return order_;
  auto part = order_.submemory_desc({k_, columns.count()}, {0, columns.begin});
  part.data.offset0 = 0;  // the caller's memory holds these columns alone
  return part;
}

dnnl::matmul::primitive_desc OneDnnProduct::describe(std::int64_t rows, const memory::desc& weights,
                                                     bool bias, Epilogue epilogue) const {
  using tag = memory::format_tag;
  const auto n = weights.dims()[1];
  const memory::desc x({rows, k_}, x_type_, tag::ab);
  const memory::desc y({rows, n}, memory::data_type::f32, tag::ab);
  dnnl::post_ops ops;
  append(ops, epilogue.activation);
  if (epilogue.add_to_output) ops.append_sum();
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  // One primitive serves many threads, so none may own the working memory.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const memory::desc biases({1, n}, memory::data_type::f32, tag::ab);
  const auto operation = bias ? dnnl::matmul::desc(x, weights, biases, y) : dnnl::matmul::desc(x, weights, y);
  return {operation, attributes, onednn_engine()};
}

/// Making a primitive costs a tenth of running it: kept by row count, columns and epilogue, but not for ever,
/// because texts come in any number of rows.
std::shared_ptr<const OneDnnProduct::Prepared> OneDnnProduct::prepared(std::int64_t rows, Columns columns,
                                                                       bool bias, Epilogue epilogue) const {
  constexpr std::size_t kept = 64;
  const auto key = static_cast<std::uint64_t>(rows) << 32 | static_cast<std::uint64_t>(columns.count()) << 8 |
                   static_cast<std::uint64_t>(epilogue.activation) << 2 | (epilogue.add_to_output ? 2U : 0U) |
                   (bias ? 1U : 0U);
  {
    const std::shared_lock lock(mutex_);
    if (const auto it = prepared_.find(key); it != prepared_.end()) return it->second;
  }
  const auto description = describe(rows, order_of(columns), bias, epilogue);
  const auto made = std::make_shared<const Prepared>(
      Prepared{dnnl::matmul(description), description.scratchpad_desc().get_size()});
  const std::unique_lock lock(mutex_);
  if (prepared_.size() >= kept) prepared_.clear();
  return prepared_.emplace(key, made).first->second;
}

void OneDnnProduct::multiply(std::int64_t rows, Columns columns, const OneDnnOperands& operands,
                             Epilogue epilogue) const {
  const SequentialOpenMp sequential;
  try {
    const auto ready = prepared(rows, columns, operands.bias != nullptr, epilogue);
    thread_local std::vector<std::byte> scratch;
    if (scratch.size() < ready->scratch_bytes) scratch.resize(ready->scratch_bytes);
    const auto n = columns.count(), scratch_bytes = static_cast<std::int64_t>(ready->scratch_bytes);
    const auto& engine = onednn_engine();
    using tag = memory::format_tag;
    const auto f32 = memory::data_type::f32;
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, memory({{rows, k_}, x_type_, tag::ab}, engine, writable(operands.x))},
        {DNNL_ARG_WEIGHTS, memory(order_of(columns), engine, writable(operands.weights))},
        {DNNL_ARG_DST, memory({{rows, n}, f32, tag::ab}, engine, operands.y)},
        {DNNL_ARG_SCRATCHPAD,
         memory({{scratch_bytes}, memory::data_type::u8, tag::a}, engine, scratch.data())}};
    if (operands.bias) {
      arguments.emplace(DNNL_ARG_BIAS, memory({{1, n}, f32, tag::ab}, engine, writable(operands.bias)));
    }
    ready->primitive.execute(onednn_stream(), arguments);
    onednn_stream().wait();
  } catch (const dnnl::error& error) {
    throw onednn_failure(error);
  }
}

}  // namespace beeld
