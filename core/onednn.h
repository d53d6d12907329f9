#pragma once

#include <beeld/error.h>

#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <shared_mutex>
#include <unordered_map>

#include "core/product.h"

namespace beeld {

/// Products run in the calling thread: the work is already spread over pictures, and OpenMP's waiting
/// threads would take the cores from each other. Holds while it lives.
class SequentialOpenMp {
 public:
  SequentialOpenMp();
  ~SequentialOpenMp();
  SequentialOpenMp(const SequentialOpenMp&) = delete;
  SequentialOpenMp& operator=(const SequentialOpenMp&) = delete;

 private:
  int before_;
};

/// The engine, with no better instructions than isa() allows.
const dnnl::engine& onednn_engine();

/// The calling thread's stream.
dnnl::stream& onednn_stream();

Error onednn_failure(const dnnl::error& error);

/// The types of what is multiplied. Sums and results are float32, or the sums int32.
enum class Arithmetic {
  floats,    ///< float32 by float32
  integers,  ///< uint8 by int8, exactly
};

/// Memory that a product reads and writes, in the types of its arithmetic; all of it dense.
struct OneDnnOperands {
  const void* x;        ///< [M,K]
  const void* weights;  ///< of the columns wanted, in the product's order
  const float* bias;    ///< of these columns, or null
  float* y;             ///< [M,columns]
};

/// A matrix product of oneDNN for weights [N,K] in the order it likes best. Const and safe for concurrent
/// use.
class OneDnnProduct {
 public:
  OneDnnProduct(std::int64_t n, std::int64_t k, Arithmetic arithmetic);

  /// See OrderedProduct.
  std::int64_t panel() const { return panel_; }
  std::int64_t panel_values() const { return panel_values_; }
  std::int64_t values() const { return values_; }

  /// Brings weights [N,K], of the arithmetic's type, into this order.
  void order(const void* weights, void* ordered) const;

  void multiply(std::int64_t rows, Columns columns, const OneDnnOperands& operands, Epilogue epilogue) const;

 private:
  struct Prepared {
    dnnl::matmul primitive;
    std::size_t scratch_bytes;
  };

  dnnl::memory::desc order_of(Columns columns) const;
  dnnl::matmul::primitive_desc describe(std::int64_t rows, const dnnl::memory::desc& weights, bool bias,
                                        Epilogue epilogue) const;
  std::shared_ptr<const Prepared> prepared(std::int64_t rows, Columns columns, bool bias,
                                           Epilogue epilogue) const;

  std::int64_t n_, k_;
  dnnl::memory::data_type x_type_, weight_type_;
  dnnl::memory::desc order_;
  std::int64_t panel_ = 0, panel_values_ = 0, values_ = 0;
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::uint64_t, std::shared_ptr<const Prepared>> prepared_;
};

}  // namespace beeld
