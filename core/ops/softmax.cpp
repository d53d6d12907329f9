#include "core/ops/softmax.h"

#include "core/kernels/kernels.h"

namespace beeld {

void softmax(float* values, std::int64_t count) { softmax_row(values, count); }
void softmax(double* values, std::int64_t count) { softmax_plain(values, count); }

}  // namespace beeld
