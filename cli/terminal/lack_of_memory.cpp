#include "cli/terminal/lack_of_memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

#include "cli/terminal/session.h"

namespace beeld::cli {

namespace {

constexpr int crashes[] = {SIGSEGV, SIGABRT, SIGBUS};
constexpr std::size_t much = 64u << 20;  // more than any library asks for at once and does not check

bool memory_is_lacking() {
  void* piece = ::mmap(nullptr, much, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (piece == MAP_FAILED) return true;
  ::munmap(piece, much);
  return false;
}

void on_crash(int signal) {
  if (memory_is_lacking()) end_for_lack_of_memory();
  // The handler is gone by SA_RESETHAND.
  ::raise(signal);
}

std::terminate_handler terminate_otherwise = nullptr;

[[noreturn]] void on_terminate() {
  if (const auto exception = std::current_exception()) {
    try {
      std::rethrow_exception(exception);
    } catch (const std::bad_alloc&) {
      end_for_lack_of_memory();
    } catch (const std::system_error&) {  // a thread that cannot be made
      if (memory_is_limited()) end_for_lack_of_memory();
    } catch (...) {
    }
  }
  terminate_otherwise();
  std::abort();
}

}  // namespace

void end_for_lack_of_memory() {
  constexpr const char* message = "beeld: not enough memory\n";
  if (::write(STDERR_FILENO, message, std::strlen(message)) < 0)
    ::_exit(static_cast<int>(ExitCode::nothing_done));
  ::_exit(static_cast<int>(ExitCode::nothing_done));
}

bool memory_is_limited() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

void watch_for_lack_of_memory() {
  terminate_otherwise = std::set_terminate(on_terminate);
  if (!memory_is_limited()) return;
  // The stack may be what could not grow.
  alignas(64) static std::byte memory[64 * 1024];
  const stack_t stack{.ss_sp = memory, .ss_flags = 0, .ss_size = sizeof memory};
  ::sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
  for (const int crash : crashes) ::sigaction(crash, &action, nullptr);
}

}  // namespace beeld::cli
