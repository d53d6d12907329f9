#include <beeld/error.h>
#include <omp.h>

#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "core/product.h"

namespace beeld {

namespace {

using dnnl::memory;

/// Products run in the calling thread: the work is already spread over pictures, and OpenMP's waiting
/// threads would take the cores from each other.
class SequentialOpenMp {
 public:
  SequentialOpenMp() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~SequentialOpenMp() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  SequentialOpenMp(const SequentialOpenMp&) = delete;
  SequentialOpenMp& operator=(const SequentialOpenMp&) = delete;

 private:
  int before_;
};

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& stream() {
  thread_local dnnl::stream stream(cpu());
  return stream;
}

Error failure(const dnnl::error& error) {
  return Error(ErrorCode::unsupported, std::string("[product] oneDNN: ") + error.what());
}

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

class OneDnnMatrix final : public PackedMatrix {
 public:
  OneDnnMatrix(const float* weight, std::int64_t n, std::int64_t k) : n_(n), k_(k) {
    const SequentialOpenMp sequential;
    // The order of the weights is the one a typical number of rows likes; others accept it.
    constexpr std::int64_t typical_rows = 256;
    const memory::desc any({k, n}, memory::data_type::f32, memory::format_tag::any);
    const auto best = describe(typical_rows, any, false, {});
    packed_ = memory(best.weights_desc(), cpu());
    memory plain({{k, n}, memory::data_type::f32, memory::format_tag::ba}, cpu(), const_cast<float*>(weight));
    dnnl::reorder(plain, packed_).execute(stream(), plain, packed_);
    stream().wait();
  }

  void multiply(const float* x, std::int64_t m, const float* bias, Epilogue epilogue,
                float* y) const override {
    const SequentialOpenMp sequential;
    try {
      const auto ready = prepared(m, bias != nullptr, epilogue);
      const auto scratch_bytes = ready->scratch_bytes;
      thread_local std::vector<std::byte> scratch;
      if (scratch.size() < scratch_bytes) scratch.resize(scratch_bytes);
      const auto f32 = memory::data_type::f32;
      using tag = memory::format_tag;
      std::unordered_map<int, memory> arguments{
          {DNNL_ARG_SRC, memory({{m, k_}, f32, tag::ab}, cpu(), const_cast<float*>(x))},
          {DNNL_ARG_WEIGHTS, packed_},
          {DNNL_ARG_DST, memory({{m, n_}, f32, tag::ab}, cpu(), y)},
          {DNNL_ARG_SCRATCHPAD,
           memory({{static_cast<std::int64_t>(scratch_bytes)}, memory::data_type::u8, tag::a}, cpu(),
                  scratch.data())}};
      if (bias) {
        arguments.emplace(DNNL_ARG_BIAS, memory({{1, n_}, f32, tag::ab}, cpu(), const_cast<float*>(bias)));
      }
      ready->primitive.execute(stream(), arguments);
      stream().wait();
    } catch (const dnnl::error& error) {
      throw failure(error);
    }
  }

 private:
  struct Prepared {
    Prepared(dnnl::matmul primitive_, std::size_t scratch_bytes_)
        : primitive(std::move(primitive_)), scratch_bytes(scratch_bytes_) {}
    dnnl::matmul primitive;
    std::size_t scratch_bytes;
  };

  dnnl::matmul::primitive_desc describe(std::int64_t m, const memory::desc& weights, bool bias,
                                        Epilogue epilogue) const {
    const auto f32 = memory::data_type::f32;
    using tag = memory::format_tag;
    const memory::desc x({m, k_}, f32, tag::ab);
    const memory::desc y({m, n_}, f32, tag::ab);
    dnnl::post_ops ops;
    append(ops, epilogue.activation);
    if (epilogue.add_to_output) ops.append_sum();
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    // One primitive serves many threads, so none may own the working memory.
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto operation =
        bias ? dnnl::matmul::desc(x, weights, {{1, n_}, f32, tag::ab}, y) : dnnl::matmul::desc(x, weights, y);
    return {operation, attributes, cpu()};
  }

  /// Making a primitive costs a tenth of running it: kept by row count and epilogue, but not for
  /// ever, because texts come in any number of rows.
  std::shared_ptr<const Prepared> prepared(std::int64_t m, bool bias, Epilogue epilogue) const {
    constexpr std::size_t kept = 64;
    const auto key = (m << 8) | (static_cast<std::int64_t>(epilogue.activation) << 2) |
                     (epilogue.add_to_output ? 2 : 0) | (bias ? 1 : 0);
    {
      const std::shared_lock lock(mutex_);
      if (const auto it = prepared_.find(key); it != prepared_.end()) return it->second;
    }
    const auto description = describe(m, packed_.get_desc(), bias, epilogue);
    const auto made =
        std::make_shared<const Prepared>(dnnl::matmul(description), description.scratchpad_desc().get_size());
    const std::unique_lock lock(mutex_);
    if (prepared_.size() >= kept) prepared_.clear();
    return prepared_.emplace(key, made).first->second;
  }

  std::int64_t n_, k_;
  memory packed_;
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::int64_t, std::shared_ptr<const Prepared>> prepared_;
};

}  // namespace

template <>
void product(ProductShape shape, Factors<float> factors, Operand<float> a, Operand<float> b,
             Result<float> c) {
  const SequentialOpenMp sequential;
  const auto letter = [](Layout layout) { return layout == Layout::transposed ? 'T' : 'N'; };
  const auto status = dnnl_sgemm(letter(a.layout), letter(b.layout), shape.m, shape.n, shape.k, factors.alpha,
                                 a.data, a.stride, b.data, b.stride, factors.beta, c.data, c.stride);
  if (status != dnnl_success) throw Error(ErrorCode::invalid_argument, "[product] oneDNN refused the shape");
}

std::shared_ptr<const PackedMatrix> pack(const float* weight, std::int64_t n, std::int64_t k) {
  try {
    return std::make_shared<OneDnnMatrix>(weight, n, k);
  } catch (const dnnl::error& error) {
    throw failure(error);
  }
}

}  // namespace beeld
