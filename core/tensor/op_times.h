#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace beeld {

/// Operations whose time is of interest: products with weights, the attention between them, norms.
enum class Op { product, attention, norm };

/// Where the time of a pass went, in seconds. What is missing to the whole is the rest: copies and sums of
/// rows.
struct OpTimes {
  std::array<double, 3> seconds{};

  double& operator[](Op op) { return seconds[static_cast<std::size_t>(op)]; }
};

/// Adds the time it lives to one operation; does nothing without anywhere to add it.
class OpTimer {
 public:
  OpTimer(OpTimes* times, Op op) : times_(times), op_(op) {
    if (times_) begin_ = Clock::now();
  }
  ~OpTimer() {
    if (times_) (*times_)[op_] += std::chrono::duration<double>(Clock::now() - begin_).count();
  }
  OpTimer(const OpTimer&) = delete;
  OpTimer& operator=(const OpTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  OpTimes* times_;
  Op op_;
  Clock::time_point begin_;
};

}  // namespace beeld
