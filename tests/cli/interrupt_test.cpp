#include "cli/terminal/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace beeld::cli {
namespace {

TEST(InterruptWatch, NotesOneInterruptWhileItLives) {
  const auto interrupt_twice = [] {
    {
      const InterruptWatch watch(AfterInterrupt::wait, "saving");
      ::raise(SIGINT);
      if (!interrupted()) ::_exit(1);
    }
    ::raise(SIGINT);
    ::_exit(2);
  };
  EXPECT_EXIT(interrupt_twice(), ::testing::KilledBySignal(SIGINT), "saving");
}

TEST(InterruptWatch, EndsTheProcessWhereTheWorkDoesNot) {
  const auto work_on = [] {
    const InterruptWatch watch(AfterInterrupt::end_soon, "what was done is kept");
    ::raise(SIGINT);
    while (interrupted()) ::pause();
  };
  EXPECT_EXIT(work_on(), ::testing::ExitedWithCode(130), "what was done is kept");
}

TEST(InterruptWatch, LeavesWorkAloneThatEndsInTime) {
  const auto end_in_time = [] {
    {
      const InterruptWatch watch(AfterInterrupt::end_soon, "too late");
      ::raise(SIGINT);
    }
    const timespec longer{.tv_sec = 0, .tv_nsec = 400'000'000};
    ::nanosleep(&longer, nullptr);
    ::_exit(interrupted() ? 7 : 1);
  };
  EXPECT_EXIT(end_in_time(), ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace beeld::cli
