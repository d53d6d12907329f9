#include "core/base/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/parallel.h"

namespace beeld {
namespace {

/// Sends the numbers below `count` through a pipeline, and watches what it does.
struct Numbers {
  std::size_t count;
  std::size_t places;
  std::vector<std::size_t> at = std::vector<std::size_t>(places);  // [place]
  std::size_t taken = 0;
  std::vector<std::size_t> encoded = {}, written = {};
  std::vector<std::atomic<int>> prepared = std::vector<std::atomic<int>>(count);
  std::atomic<int> under_way = 0, most = 0, encoding = 0, writing = 0;

  PipelineSteps pipeline() {
    return {.places = places,
            .take = [this](std::size_t place) { return take(place); },
            .prepare = [this](std::size_t place) { prepare(at[place]); },
            .encode =
                [this](std::size_t place) {
                  EXPECT_EQ(encoding++, 0);
                  EXPECT_EQ(prepared[at[place]], 10);
                  encoded.push_back(at[place]);
                  --encoding;
                },
            .write =
                [this](std::size_t place) {
                  EXPECT_EQ(writing++, 0);
                  written.push_back(at[place]);
                  --writing;
                  --under_way;
                }};
  }

 private:
  bool take(std::size_t place) {
    if (taken == count) return false;
    at[place] = taken++;
    most = std::max<int>(most, ++under_way);
    return true;
  }

  void prepare(std::size_t number) {
    parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end) {
      prepared[number] += static_cast<int>(end - begin);
    });
  }
};

TEST(ConcurrentPipeline, EncodesAndWritesInOrder) {
  for (const int threads : {1, 2, 8}) {
    set_thread_count(threads);
    for (const std::size_t places : {1, 2, 4}) {
      for (const std::size_t count : {0, 1, 3, 100}) {
        Numbers numbers{.count = count, .places = places};
        run_pipeline(numbers.pipeline());
        std::vector<std::size_t> all(count);
        std::iota(all.begin(), all.end(), std::size_t{0});
        EXPECT_EQ(numbers.encoded, all);
        EXPECT_EQ(numbers.written, all);
        EXPECT_LE(numbers.most, static_cast<int>(places));
      }
    }
  }
  set_thread_count(0);
}

TEST(ConcurrentPipeline, OnOneThreadAnItemIsDoneBeforeTheNext) {
  set_thread_count(1);
  Numbers numbers{.count = 20, .places = 4};
  run_pipeline(numbers.pipeline());
#ifndef __SANITIZE_THREAD__  // which has threads of its own
  EXPECT_EQ(numbers.most, 1);
#endif
  EXPECT_EQ(numbers.written.size(), 20u);
  set_thread_count(0);
}

TEST(ConcurrentPipeline, PassesAnExceptionOn) {
  for (const char* failing : {"take", "prepare", "encode", "write"}) {
    Numbers numbers{.count = 50, .places = 4};
    auto pipeline = numbers.pipeline();
    const auto throw_at_7 = [&](std::size_t place) {
      if (numbers.at[place] == 7) throw std::runtime_error(failing);
    };
    const std::string step = failing;
    if (step == "take")
      pipeline.take = [&, take = pipeline.take](std::size_t place) {
        const bool more = take(place);
        throw_at_7(place);
        return more;
      };
    for (auto [name, function] : {std::pair{"prepare", &pipeline.prepare},
                                  {"encode", &pipeline.encode},
                                  {"write", &pipeline.write}}) {
      if (step == name)
        *function = [&, before = *function](std::size_t place) {
          throw_at_7(place);
          before(place);
        };
    }
    try {
      run_pipeline(pipeline);
      ADD_FAILURE() << failing << ": no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), step);
    }
    EXPECT_LE(numbers.written.size(), 7u) << failing << ": what comes after is not written";
  }
}

}  // namespace
}  // namespace beeld
