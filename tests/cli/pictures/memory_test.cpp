#include "tests/cli/command.h"

namespace beeld::testing {

class MemoryTest : public CommandTest {
 protected:
  /// A black-and-white picture of 50 megapixels: 6 MB as a file, 150 MB as samples.
  void add_large(const std::string& name, char bits) {
    add_file(pictures_.filename() / name, "P4 8000 6250\n" + std::string(1000 * 6250, bits));
  }
};

TEST_F(MemoryTest, PicturesWaitTheirTurn) {
  for (int i = 0; i < 4; ++i) add_large(std::to_string(i) + ".pbm", static_cast<char>(17 * i + 1));
  const auto finished = run({"index", pictures_, "--threads", "2", "--max-memory", "400M"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.line()["added"], 4);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  std::printf("at most %ld MB in memory\n", finished.peak_memory >> 20);
  EXPECT_LT(finished.peak_memory >> 20, 400 + 100);  // the limit, and the process
#endif
}

TEST_F(MemoryTest, APictureThatAloneNeedsMoreIsNamed) {
  add_large("large.pbm", 1);
  const auto good = add_picture("good.png", 1);
  const auto finished = run({"index", pictures_, "--max-memory", "64M"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.line()["added"], 1);
  EXPECT_TRUE(finished.names("large.pbm"));
  EXPECT_TRUE(finished.names("8000x6250 pixels take 382 MB to decode; at most 64 MB are allowed"))
      << finished.err;
}

TEST_F(MemoryTest, ASizeThatIsNoneIsRefused) {
  EXPECT_EQ(run({"index", pictures_, "--max-memory", "much"}).code, 2);
  EXPECT_EQ(run({"index", pictures_, "--max-memory", "10"}).code, 2);
}

}  // namespace beeld::testing
