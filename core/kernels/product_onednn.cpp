#include <beeld/error.h>
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "core/base/isa.h"
#include "core/kernels/product.h"

namespace beeld {

namespace {

/// Products run in the calling thread: the work is already spread over pictures, and OpenMP's waiting
/// threads would take the cores from each other. Holds while it lives.
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

/// oneDNN takes its limit before its first product only.
bool limited_to(Isa isa) {
  if (isa == Isa::best || isa == Isa::neon) return true;
  const auto limit = isa == Isa::avx2 ? dnnl::cpu_isa::avx2 : dnnl::cpu_isa::sse41;
  return dnnl::set_max_cpu_isa(limit) == dnnl::status::success;
}

}  // namespace

template <>
void product(ProductShape shape, Factors<float> factors, Operand<float> a, Operand<float> b,
             Result<float> c) {
  static const bool limited = limited_to(isa());
  if (isa() == Isa::scalar || !limited) return product_plain(shape, factors, a, b, c);
  const SequentialOpenMp sequential;
  const auto letter = [](Layout layout) { return layout == Layout::transposed ? 'T' : 'N'; };
  const auto status = dnnl_sgemm(letter(a.layout), letter(b.layout), shape.m, shape.n, shape.k, factors.alpha,
                                 a.data, a.stride, b.data, b.stride, factors.beta, c.data, c.stride);
  if (status != dnnl_success) throw Error(ErrorCode::invalid_argument, "[product] oneDNN refused the shape");
}

}  // namespace beeld
