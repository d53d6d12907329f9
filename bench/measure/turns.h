#pragma once

#include <functional>
#include <string>
#include <vector>

namespace beeld::bench {

/// How long a call takes.
double seconds_of(const std::function<void()>& work);

/// One of several engines that do the same work in turns.
struct Engine {
  std::string name;
  std::function<double()> seconds;  ///< Does the work and says how long it took.
  std::vector<double> times;        ///< Of every round.
};

/// Every engine once without counting, then `rounds` rounds in which each has its turn: what slows the
/// machine down for a while slows all of them.
void take_turns(std::vector<Engine>& engines, int rounds);

/// The median time of the engine of this name; 0 where there is none.
double median_of(const std::vector<Engine>& engines, const std::string& name);

}  // namespace beeld::bench
