#include <fstream>
#include <iterator>

#include "tests/cli/command.h"
#include "tests/support/tar.h"

namespace beeld::testing {

class VocabularyTest : public CommandTest {
 protected:
  /// Three hundred captions of a few words in two languages.
  static std::string captions() {
    std::string lines;
    for (int i = 0; i < 300; ++i) {
      const bool dutch = i % 2 == 1;
      lines += dutch ? "Een " : "A ";
      lines += (dutch ? "rode " : "red ") + std::string(i % 3 == 0 ? "boot" : i % 3 == 1 ? "auto" : "vogel");
      lines += i % 5 == 0 ? ", on the water.\n" : " in het gras\n";
    }
    return lines;
  }

  std::string out_ = (folder_ / "vocabulary").string();
};

TEST_F(VocabularyTest, ReadsTextFilesAndShards) {
  const auto text = add_file("captions.txt", captions()).string();
  const auto shard =
      add_file("train-00.tar", tar_entry("0001.txt", "a green boat\na boat") + tar_entry("0001.cls", "3") +
                                   tar_entry("0002.txt", "a green boat") + tar_end())
          .string();
  const auto finished = run({"vocabulary", text, shard, "--size", "33", "--context", "12", "--out", out_});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  const auto line = finished.line();
  EXPECT_EQ(line["out"], out_);
  EXPECT_EQ(line["pieces"], 33);
  EXPECT_EQ(line["captions"], 303);
  EXPECT_GT(line["tokens_per_caption"].get<double>(), 4);
  EXPECT_LT(line["tokens_per_caption"].get<double>(), 30);

  const auto ids = run_plain({"tokenize", "A GREEN boat!", "a green boat", "--model", out_});
  ASSERT_EQ(ids.code, 0) << ids.err;
  const auto middle = ids.out.find('\n') + 1;
  EXPECT_EQ(ids.out.substr(0, middle), ids.out.substr(middle));
  EXPECT_TRUE(ids.out.ends_with(" 1\n"));
  EXPECT_EQ(ids.out.find(" 2 "), std::string::npos);  // "green" is in the shard alone: no letter is unknown
  const auto padded = run_plain({"--json", "tokenize", "boat", "--pad", "--model", out_}).line();
  EXPECT_EQ(padded["ids"].size(), 12u);
}

TEST_F(VocabularyTest, GivesTheSameFilesAgain) {
  const auto text = add_file("captions.txt", captions()).string();
  const auto bytes = [&](const std::string& name) {
    const auto folder = folder_ / name;
    EXPECT_EQ(run({"vocabulary", text, "--size", "32", "--out", folder.string()}).code, 0);
    std::ifstream stream(folder / "spiece.model", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  const auto first = bytes("first");
  EXPECT_GT(first.size(), 1000u);
  EXPECT_EQ(first, bytes("second"));
}

TEST_F(VocabularyTest, ASizeThatDoesNotSuitIsAnError) {
  const auto text = add_file("captions.txt", captions()).string();
  for (const char* size : {"3", "10", "5000", "many"}) {
    const auto finished = run({"vocabulary", text, "--size", size, "--out", out_});
    EXPECT_EQ(finished.code, 2) << size;
    EXPECT_EQ(finished.out, "");
    EXPECT_TRUE(finished.err.starts_with("beeld: ")) << finished.err;
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
}

TEST_F(VocabularyTest, AFileThatCannotBeReadIsNamed) {
  const auto broken = add_file("broken.tar", std::string(2000, 'x')).string();
  EXPECT_TRUE(run({"vocabulary", broken, "--out", out_}).names("broken.tar"));
  EXPECT_TRUE(run({"vocabulary", (folder_ / "absent.txt").string(), "--out", out_}).names("absent.txt"));
  EXPECT_EQ(run({"vocabulary", add_file("empty.txt", "\n").string(), "--out", out_}).code, 2);
  EXPECT_EQ(run({"vocabulary", broken}).code, 2);
}

}  // namespace beeld::testing
