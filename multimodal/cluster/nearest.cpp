#include "multimodal/cluster/nearest.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/base/parallel.h"
#include "core/kernels/product.h"

namespace beeld {

namespace {

// Fixed block sizes: the way a product is summed may depend on its shape, and must not depend on the threads.
constexpr std::int64_t row_block = 128;
constexpr std::int64_t candidate_block = 1024;

}  // namespace

Nearest nearest_rows(const Matrix& rows, const Matrix& candidates) {
  Nearest nearest{std::vector<std::size_t>(rows.rows),
                  std::vector<float>(rows.rows, -std::numeric_limits<float>::infinity())};
  const auto width = static_cast<std::int64_t>(rows.columns);
  const auto row_count = static_cast<std::int64_t>(rows.rows);
  const auto candidate_count = static_cast<std::int64_t>(candidates.rows);
  const auto blocks = (row_count + row_block - 1) / row_block;

  parallel_for(blocks, 1, [&](std::int64_t first_block, std::int64_t last_block) {
    std::vector<float> cosines(row_block * std::min(candidate_block, candidate_count));
    for (auto block = first_block; block < last_block; ++block) {
      const auto row = block * row_block;
      const auto m = std::min(row_block, row_count - row);
      for (std::int64_t candidate = 0; candidate < candidate_count; candidate += candidate_block) {
        const auto n = std::min(candidate_block, candidate_count - candidate);
        product<float>({m, n, width}, {}, {rows.values.data() + row * width, width},
                       {candidates.values.data() + candidate * width, width, Layout::transposed},
                       {cosines.data(), n});
        for (std::int64_t i = 0; i < m; ++i) {
          const float* begin = cosines.data() + i * n;
          const float* best = std::max_element(begin, begin + n);
          if (*best <= nearest.cosine[row + i]) continue;
          nearest.cosine[row + i] = *best;
          nearest.index[row + i] = static_cast<std::size_t>(candidate + (best - begin));
        }
      }
    }
  });
  return nearest;
}

}  // namespace beeld
