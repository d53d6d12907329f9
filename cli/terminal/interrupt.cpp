#include "cli/terminal/interrupt.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>

namespace beeld::cli {

namespace {

constexpr int exit_code = 130;
constexpr suseconds_t moment = 200'000;  // microseconds: a person waits no longer without an answer

std::atomic<bool> pressed = false;
std::atomic<const char*> answer = nullptr;
std::atomic<bool> ends_soon = false;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free,
              "a signal handler may store only lock-free atomics");

/// What may be called here is only what may be called in a signal handler.
void say_answer() {
  const auto say = [](const char* text) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
  };
  if (::isatty(STDERR_FILENO) == 1) say("\r\x1b[K");  // instead of the progress bar
  say(answer);
  say("\n");
}

void on_interrupt(int) {
  pressed = true;
  if (!ends_soon) return say_answer();
  const itimerval timer{.it_interval = {0, 0}, .it_value = {0, moment}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void on_alarm(int) {
  say_answer();
  ::_exit(exit_code);
}

}  // namespace

InterruptWatch::InterruptWatch(AfterInterrupt after, const char* words) {
  answer = words;
  ends_soon = after == AfterInterrupt::end_soon;
  // oneDNN's products use the stack pointer for their own memory, where a signal must not leave anything. The
  // system gives a signal to the main thread while that takes it.
  alignas(64) static std::byte memory[64 * 1024];
  const stack_t stack{.ss_sp = memory, .ss_flags = 0, .ss_size = sizeof memory};
  ::sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  // Back to the default after one signal; system calls go on.
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND | SA_RESTART);
  action.sa_handler = on_alarm;
  ::sigaction(SIGALRM, &action, nullptr);
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
}

InterruptWatch::~InterruptWatch() {
  ::signal(SIGINT, SIG_DFL);
  const itimerval none{};
  ::setitimer(ITIMER_REAL, &none, nullptr);
  ::signal(SIGALRM, SIG_IGN);
}

bool interrupted() { return pressed; }

}  // namespace beeld::cli
