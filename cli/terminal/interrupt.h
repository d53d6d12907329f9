#pragma once

namespace beeld::cli {

/// What the first Ctrl-C does to work that does not end at once.
enum class AfterInterrupt {
  wait,      ///< It is waited for, however long: something must be saved.
  end_soon,  ///< It has a moment to end by itself. Then the process ends with code 130; nothing is lost by
             ///< it.
};

/// While one lives, the first Ctrl-C is noted and answered, so that the work can stop cleanly; a second one
/// ends the process at once, as each does while none lives.
class InterruptWatch {
 public:
  /// `answer` is said on stderr: at once where the work is waited for, else when the process ends without it.
  /// A text that lives as long as the program.
  explicit InterruptWatch(AfterInterrupt after, const char* answer);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
};

/// Whether Ctrl-C was noted.
bool interrupted();

}  // namespace beeld::cli
