#pragma once

#include <string>
#include <vector>

namespace beeld::bench {

struct Usage {
  double seconds = 0;
  double megabytes = 0;  ///< the most that was resident
};

/// Runs build/beeld with its output thrown away.
Usage run_command(std::vector<std::string> arguments);

}  // namespace beeld::bench
