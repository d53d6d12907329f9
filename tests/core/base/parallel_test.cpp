#include "core/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace beeld {
namespace {

TEST(ParallelFor, VisitsEveryItemOnce) {
  for (const std::int64_t count : {0, 1, 7, 1000}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    parallel_for(count, 3, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
    });
    for (const auto& visit : visits) EXPECT_EQ(visit, 1);
  }
}

TEST(ParallelFor, PassesAnExceptionOn) {
  const auto body = [](std::int64_t begin, std::int64_t) {
    if (begin == 0) throw std::runtime_error("stop");
  };
  EXPECT_THROW(parallel_for(100, 1, body), std::runtime_error);
}

TEST(ParallelFor, MayBeNested) {
  std::atomic<int> total = 0;
  parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      parallel_for(10, 1,
                   [&](std::int64_t first, std::int64_t last) { total += static_cast<int>(last - first); });
    }
  });
  EXPECT_EQ(total, 100);
}

TEST(Threads, CanBeLimited) {
  set_thread_count(1);
  EXPECT_EQ(thread_count(), 1);
  set_thread_count(0);
  EXPECT_GE(thread_count(), 1);
}

}  // namespace
}  // namespace beeld
