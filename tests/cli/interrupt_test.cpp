#include "cli/terminal/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace beeld::cli {
namespace {

TEST(InterruptWatch, NotesOneInterruptWhileItLives) {
  const auto interrupt_twice = [] {
    {
      const InterruptWatch watch;
      ::raise(SIGINT);
      if (!interrupted()) ::_exit(1);
    }
    ::raise(SIGINT);
    ::_exit(2);
  };
  EXPECT_EXIT(interrupt_twice(), ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace beeld::cli
