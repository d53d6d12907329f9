#pragma once

namespace beeld::cli {

/// While one lives, the first Ctrl-C is only noted, so that the work can stop cleanly; a second one ends the
/// process at once, as each does while none lives.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
};

/// Whether Ctrl-C was noted.
bool interrupted();

}  // namespace beeld::cli
