// A message and an exit code, however little memory there is.
#include "tests/cli/command.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

class LackOfMemoryTest : public CommandTest {
 protected:
  /// The command with so many kilobytes of addresses.
  Finished run_within(int kilobytes, const std::string& arguments) {
    const auto command = beeld_command().string() + " " + arguments;
    return run_program("/bin/bash",
                       {"-c", "ulimit -c 0; ulimit -v " + std::to_string(kilobytes) + "; exec " + command});
  }
};

TEST_F(LackOfMemoryTest, EndsWithAMessageAndACode) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take more addresses than there are";
#endif
  for (std::uint32_t i = 0; i < 40; ++i) add_picture("p" + std::to_string(i) + ".png", i);
  const auto pictures = "'" + pictures_.string() + "'";
  int ended_well = 0;
  for (int kilobytes = 100'000; kilobytes <= 700'000; kilobytes += kilobytes < 400'000 ? 12'500 : 50'000) {
    for (const auto& arguments : {"index --reindex " + pictures, std::string("embed --text 'a cat'")}) {
      const auto finished = run_within(kilobytes, arguments);
      // 127 is the loader's, which has no room for the libraries.
      EXPECT_TRUE(finished.code <= 2 || finished.code == 127)
          << kilobytes << " kB, " << arguments << ": code " << finished.code << "\n"
          << finished.err;
      EXPECT_TRUE(finished.code == 0 || !finished.err.empty()) << kilobytes << " kB, " << arguments;
      ended_well += finished.code == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(ended_well, 0) << "that much is enough";
}

}  // namespace beeld::testing
