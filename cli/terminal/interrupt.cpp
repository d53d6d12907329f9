#include "cli/terminal/interrupt.h"

#include <signal.h>

#include <atomic>
#include <cstddef>

namespace beeld::cli {

namespace {

std::atomic<bool> pressed = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may store only lock-free atomics");

}  // namespace

InterruptWatch::InterruptWatch() {
  // oneDNN's products use the stack pointer for their own memory, where a signal must not leave anything. The
  // system gives a signal to the main thread while that takes it.
  alignas(64) static std::byte memory[64 * 1024];
  const stack_t stack{.ss_sp = memory, .ss_flags = 0, .ss_size = sizeof memory};
  ::sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = [](int) { pressed = true; };
  // Back to the default after one signal; system calls go on.
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, nullptr);
}

InterruptWatch::~InterruptWatch() { ::signal(SIGINT, SIG_DFL); }

bool interrupted() { return pressed; }

}  // namespace beeld::cli
