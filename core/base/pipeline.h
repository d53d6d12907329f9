#pragma once

#include <cstddef>
#include <functional>

namespace beeld {

/// Three steps that every item of a stream goes through, different items at the same time. A step is given
/// the place of its item, a number below `places`: the item's own from take() to the end of write().
struct PipelineSteps {
  std::size_t places = 1;                       ///< Items under way at most.
  std::function<bool(std::size_t place)> take;  ///< False where there is no further item. One call at a time.
  std::function<void(std::size_t place)> prepare;  ///< Of two items side by side.
  std::function<void(std::size_t place)> encode;   ///< One item at a time, in the order of take().
  std::function<void(std::size_t place)> write;    ///< The same, while another one is encoded.
};

/// Takes items until there is no further one, and returns when all of them are written. It runs on the
/// threads of parallel_for, which the steps may use as well. After an exception nothing is begun any more,
/// and it is passed on once the steps under way have ended.
void run_pipeline(const PipelineSteps& steps);

}  // namespace beeld
