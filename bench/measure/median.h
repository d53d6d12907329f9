#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace beeld::bench {

/// The median time of `rounds` calls, after one that is not counted.
template <class Work>
double median_seconds(int rounds, const Work& work) {
  using Clock = std::chrono::steady_clock;
  work();
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace beeld::bench
