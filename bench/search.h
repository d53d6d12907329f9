#pragma once

#include <vector>

namespace beeld::bench {

struct SearchTime {
  std::size_t rows = 0;
  int threads = 0;
  double scan = 0;   ///< seconds for the 10 best
  double floor = 0;  ///< seconds for reading the same bytes
};

/// Scans of 10^4 to 10^6 simulated embeddings of 512 values, in turns with merely reading them.
std::vector<SearchTime> time_searches();

void print(const std::vector<SearchTime>& searches);

/// Searches a second of an index of 10^5 pictures, asked by one thread and by two, in turns; printed.
void concurrent_searches();

}  // namespace beeld::bench
