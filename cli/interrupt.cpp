#include "cli/interrupt.h"

#include <signal.h>

#include <atomic>

namespace beeld::cli {

namespace {

std::atomic<bool> pressed = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may store only lock-free atomics");

}  // namespace

void watch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { pressed = true; };
  // Back to the default after one signal; system calls go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return pressed; }

}  // namespace beeld::cli
