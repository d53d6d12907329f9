#include "bench/measure/turns.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace beeld::bench {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void take_turns(std::vector<Engine>& engines, int rounds) {
  // Idle threads of the engine before spin for a while: OpenBLAS's for 2^26 cycles.
  constexpr std::chrono::milliseconds rest(50);
  for (int round = -1; round < rounds; ++round) {
    for (auto& engine : engines) {
      std::this_thread::sleep_for(rest);
      const double seconds = engine.seconds();
      if (round >= 0) engine.times.push_back(seconds);
    }
  }
}

double median_of(const std::vector<Engine>& engines, const std::string& name) {
  for (const auto& engine : engines) {
    if (engine.name != name) continue;
    auto times = engine.times;
    std::sort(times.begin(), times.end());
    return times.at(times.size() / 2);
  }
  return 0;
}

}  // namespace beeld::bench
