#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/tar.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

/// Pictures of two classes: one wave and another, each with its pixels moved a little.
class ProbeTest : public CommandTest {
 protected:
  static Image picture(std::uint32_t label, std::uint32_t number) {
    auto image = wave_picture(48, 40, label);
    for (std::size_t i = 0; i < image.samples.size(); ++i)
      image.samples[i] = static_cast<std::uint8_t>((image.samples[i] * 9 + (i * number * 31) % 200) / 10);
    return image;
  }

  std::string folder_of(const std::string& name, std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) {
      for (std::uint32_t label : {0u, 1u}) {
        const auto file = folder_ / name / (label == 0 ? "apple" : "boat") / (std::to_string(i) + ".png");
        std::filesystem::create_directories(file.parent_path());
        write_picture(file, picture(label, i));
      }
    }
    return (folder_ / name).string();
  }

  std::string shard_of(const std::string& name, std::uint32_t first, std::uint32_t count) {
    std::string content;
    for (std::uint32_t i = first; i < first + count; ++i) {
      for (std::uint32_t label : {0u, 1u}) {
        const auto key = std::to_string(i) + "-" + std::to_string(label);
        content += tar_entry(key + ".png", png_bytes(picture(label, i))) +
                   tar_entry(key + ".cls", std::to_string(label));
      }
    }
    return add_file(name, content + tar_end()).string();
  }

  std::string out_ = (folder_ / "probe.safetensors").string();
};

TEST_F(ProbeTest, ClassifiesWithWhatItSaved) {
  const auto fitted = run({"probe", folder_of("train", 0, 6), "--out", out_});
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  const auto summary = fitted.line();
  EXPECT_EQ(summary["method"], "ridge");
  EXPECT_EQ(summary["classes"], 2);
  EXPECT_EQ(summary["examples"], 12);
  EXPECT_EQ(summary["out"], out_);
  EXPECT_FALSE(summary.contains("accuracy"));

  for (std::uint32_t label : {0u, 1u}) {
    const auto file = pictures_ / (std::to_string(label) + ".png");
    write_picture(file, picture(label, 77));
    const auto finished = run({"classify", file.string(), "--probe", out_});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const auto labels = finished.line()["labels"];
    ASSERT_EQ(labels.size(), 2u);
    EXPECT_EQ(labels[0]["label"], label == 0 ? "apple" : "boat");
    EXPECT_GT(labels[0]["score"].get<double>(), 0.6);
    EXPECT_NEAR(labels[0]["score"].get<double>() + labels[1]["score"].get<double>(), 1, 1e-6);
  }
}

TEST_F(ProbeTest, MeasuresWithFewExamplesAndWithAll) {
  const auto train = shard_of("train.tar", 0, 9), test = shard_of("test.tar", 50, 4);
  const auto classes = add_file("classes.tsv", "0\tn0\tapple\n1\tn1\tboat, ship\n").string();
  for (const char* method : {"ridge", "logistic"}) {
    const auto finished =
        run({"probe", train, "--test", test, "--classes", classes, "--method", method, "--draws", "2"});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const auto lines = finished.lines();
    ASSERT_EQ(lines.size(), 5u);  // 1, 2, 4, 8 examples a class, and all nine
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(lines[i]["shots"], 1 << i);
      EXPECT_EQ(lines[i]["draws"], 2);
      EXPECT_GE(lines[i]["accuracy"].get<double>(), 75) << method << lines[i];
    }
    EXPECT_EQ(lines[4]["examples"], 18);
    EXPECT_EQ(lines[4]["test"], 8);
    EXPECT_EQ(lines[4]["accuracy"], 100);
    EXPECT_EQ(lines[4]["method"], method);
  }
}

TEST_F(ProbeTest, ForPeopleThereIsATable) {
  const auto finished = run_plain({"probe", folder_of("train", 0, 3), "--test", folder_of("test", 50, 2),
                                   "--shots", "1,3", "--model", model_.string()});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.out.find("examples a class    accuracy   deviation\n"), 0u) << finished.out;
  EXPECT_NE(finished.out.find("\n               3    100.00 %        0.00\n"), std::string::npos)
      << finished.out;
  EXPECT_NE(finished.out.find("\n             all    100.00 %"), std::string::npos);
  EXPECT_NE(finished.out.find("6 examples of 2 classes, 4 test pictures, ridge\n"), std::string::npos);
}

TEST_F(ProbeTest, AnotherModelRefusesIt) {
  ASSERT_EQ(run({"probe", folder_of("train", 0, 3), "--out", out_}).code, 0);
  write_tiny_model(folder_ / "another", 2);
  const auto finished = run_plain({"classify", add_picture("a.png", 1).string(), "--probe", out_, "--model",
                                   (folder_ / "another").string()});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(finished.names("another"));
  EXPECT_TRUE(finished.names("fitted to embeddings of " + model_.string())) << finished.err;
}

TEST_F(ProbeTest, APictureThatCannotBeReadIsNamed) {
  const auto train = folder_of("train", 0, 3);
  add_file("train/boat/broken.jpg", "no picture");
  const auto finished = run({"probe", train, "--out", out_});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("broken.jpg"));
  EXPECT_EQ(finished.line()["examples"], 6);
}

TEST_F(ProbeTest, WrongUseIsAnError) {
  const auto train = folder_of("train", 0, 3), shard = shard_of("train.tar", 0, 3);
  EXPECT_TRUE(run({"probe", train}).names("--out"));
  EXPECT_TRUE(run({"probe", shard, "--out", out_}).names("--classes"));
  EXPECT_TRUE(run({"probe", train + "/boat", "--out", out_}).names("two or more classes"));
  EXPECT_TRUE(run({"probe", (folder_ / "absent").string(), "--out", out_}).names("absent"));
  EXPECT_TRUE(run({"probe", train, "--test", train, "--shots", "4"}).names("got 4"));
  EXPECT_EQ(run({"probe", train, "--out", out_, "--method", "other"}).code, 2);
  EXPECT_EQ(run({"probe", train, "--test", train, "--shots", "0"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(out_));
  const auto other = folder_of("other", 0, 1);
  std::filesystem::rename(other + "/boat", other + "/zebra");
  EXPECT_TRUE(run({"probe", train, "--test", other}).names("zebra"));
  EXPECT_EQ(run({"classify", train, "--probe", out_, "--labels", "a,b"}).code, 2);
  EXPECT_TRUE(run({"classify", train, "--probe", out_}).names("probe.safetensors"));
}

}  // namespace beeld::testing
