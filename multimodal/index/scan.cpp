#include "multimodal/index/scan.h"

#include <beeld/error.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>

#include "core/base/parallel.h"

namespace beeld {

namespace {

/// Keeps what may be among the `count` best. With e the error of a score: the k-th best of the scores seen is
/// s, so k rows have exact products of s - e or more, and a row scored below s - 2e cannot be one of them.
class Best {
 public:
  Best(std::size_t count, float two_errors, float threshold)
      : count_(count), two_errors_(two_errors), threshold_(threshold) {}

  void add(Candidate candidate) {
    if (!(candidate.score >= threshold_)) return;  // also refuses NaN
    kept_.push_back(candidate);
    if (kept_.size() >= limit_) cut();
  }

  void cut() {
    if (kept_.size() > count_) {
      const auto last = kept_.begin() + static_cast<std::ptrdiff_t>(count_ - 1);
      std::nth_element(kept_.begin(), last, kept_.end(),
                       [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
      threshold_ = std::max(threshold_, last->score - two_errors_);
      std::erase_if(kept_, [this](const Candidate& c) { return c.score < threshold_; });
    }
    // Where many rows are tied, more than `count` stay: the next cut waits until there are twice as many.
    limit_ = std::max<std::size_t>(1024, 2 * kept_.size());
  }

  float threshold() const { return threshold_; }
  std::vector<Candidate>& kept() { return kept_; }

 private:
  std::size_t count_;
  float two_errors_;
  float threshold_;
  std::size_t limit_ = 1024;
  std::vector<Candidate> kept_;
};

constexpr std::size_t block_rows = Vectors::block_rows;  // whose scores stay in the first-level cache
constexpr std::int64_t task_blocks = 64;

bool is_possible(float score) { return score >= -1.02F && score <= 1.02F; }

}  // namespace

// |q.h - q.v| <= |q| |h - v|, and a float32 sum of n products in any order is within n * 2^-24 (1 + tiny) of
// |q| |h|. Twice that covers products rounded on their own, |h| slightly above 1, and comparing in float.
double scan_error(const Vectors& vectors, std::size_t dimension) {
  return vectors.rounding() + static_cast<double>(dimension + 16) * 0x1p-23;
}

std::vector<Candidate> scan(const Vectors& vectors, const ScanRequest& request) {
  if (request.count == 0) return {};
  std::vector<float> query(vectors.stride());
  std::copy(request.query.begin(), request.query.end(), query.begin());

  const double error = scan_error(vectors, request.query.size());
  const auto two_errors = static_cast<float>(2 * error);
  Best best(request.count, two_errors, static_cast<float>(request.min_score - error));
  std::mutex mutex;
  std::atomic<bool> damaged = false;

  const auto blocks = static_cast<std::int64_t>((vectors.size() + block_rows - 1) / block_rows);
  parallel_for(blocks, task_blocks, [&](std::int64_t begin, std::int64_t end) {
    float threshold = 0;
    {
      const std::lock_guard lock(mutex);
      threshold = best.threshold();
    }
    Best mine(request.count, two_errors, threshold);
    float scores[block_rows];
    for (auto block = static_cast<std::size_t>(begin); block < static_cast<std::size_t>(end); ++block) {
      const auto row = block * block_rows;
      const HalfRows rows{vectors.rows() + row * vectors.stride(), std::min(block_rows, vectors.size() - row),
                          vectors.stride()};
      half_products(rows, query.data(), scores);
      // The block lies in a cache now.
      if (!vectors.is_right(block) || !std::all_of(scores, scores + rows.count, is_possible)) damaged = true;
      for (std::size_t i = 0; i < rows.count; ++i)
        if (!request.allowed || (*request.allowed)[row + i]) mine.add({row + i, scores[i]});
    }
    const std::lock_guard lock(mutex);
    for (const auto& candidate : mine.kept()) best.add(candidate);
  });
  if (damaged) throw Error(ErrorCode::corrupt, "[search] the file of vectors is damaged");
  best.cut();
  return std::move(best.kept());
}

}  // namespace beeld
