#include <beeld/model.h>

#include <algorithm>

#include "multimodal/evaluation/retrieval.h"
#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/tar.h"

namespace beeld::testing {

namespace {

const std::vector<std::string> captions = {"a cat",  "a dog in the snow", "red", "a photo of a dog", "snow",
                                           "cat cat"};

}  // namespace

class EvalTest : public CommandTest {
 protected:
  std::string shard(const std::string& name, const std::string& content) {
    return add_file(name, content + tar_end()).string();
  }

  static std::string picture(std::uint32_t seed) { return png_bytes(wave_picture(48, 40, seed)); }
};

TEST_F(EvalTest, ZeroShotCountsWhatIsRight) {
  const std::vector<std::string> names = {"cat", "dog", "snow"};
  const auto classes = add_file("classes.tsv", "0\tn0\tcat, house cat\n1\tn1\tdog\n2\tn2\tsnow\n").string();
  std::string content;
  for (std::uint32_t i = 0; i < 6; ++i) {
    const auto file = add_picture(std::to_string(i) + ".png", i).string();
    const auto best =
        run({"classify", file, "--labels", "cat,dog,snow", "--top", "1"}).line()["labels"][0]["label"];
    const auto right = std::find(names.begin(), names.end(), best) - names.begin();
    // Two of the six are given another class.
    const auto label = i < 2 ? (right + 1) % 3 : right;
    content += tar_entry(std::to_string(i) + ".png", picture(i)) +
               tar_entry(std::to_string(i) + ".cls", std::to_string(label));
  }
  const auto finished = run({"eval", "zero-shot", shard("val.tar", content), "--classes", classes});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto line = finished.line();
  EXPECT_EQ(line["task"], "zero-shot");
  EXPECT_EQ(line["images"], 6);
  EXPECT_EQ(line["classes"], 3);
  EXPECT_NEAR(line["top1"].get<double>(), 100.0 * 4 / 6, 1e-6);
  EXPECT_NEAR(line["top5"].get<double>(), 100, 1e-6);
}

TEST_F(EvalTest, RetrievalIsTheLibrarysRecall) {
  std::string content;
  std::vector<Image> images;
  std::vector<std::size_t> image_of;
  for (std::uint32_t i = 0; i < 3; ++i) {
    images.push_back(wave_picture(48, 40, i));
    image_of.insert(image_of.end(), 2, i);
    content += tar_entry(std::to_string(i) + ".png", picture(i)) +
               tar_entry(std::to_string(i) + ".txt", captions[2 * i] + "\n" + captions[2 * i + 1] + "\n");
  }
  const auto finished = run({"eval", "retrieval", shard("dev.tar", content)});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto line = finished.line();
  EXPECT_EQ(line["task"], "retrieval");
  EXPECT_EQ(line["images"], 3);
  EXPECT_EQ(line["texts"], 6);
  const auto model = Model::load(model_);
  Matrix texts = model.encode_texts(captions), pictures = model.encode_images(images);
  normalize_rows(texts);
  normalize_rows(pictures);
  const auto expected = retrieval_recall(texts, pictures, image_of);
  EXPECT_NEAR(line["t2i"]["r@1"].get<double>(), expected.text_to_image.at1, 1e-6);
  EXPECT_NEAR(line["i2t"]["r@1"].get<double>(), expected.image_to_text.at1, 1e-6);
  EXPECT_NEAR(line["t2i"]["r@5"].get<double>(), 100, 1e-6);
  EXPECT_NEAR(line["i2t"]["r@10"].get<double>(), 100, 1e-6);
}

TEST_F(EvalTest, ASampleThatCannotBeUsedIsNamed) {
  const auto content = tar_entry("good.png", picture(1)) + tar_entry("good.txt", "a cat\n") +
                       tar_entry("broken.png", "no picture") + tar_entry("broken.txt", "a dog\n");
  const auto finished = run({"eval", "retrieval", shard("dev.tar", content)});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("broken"));
  EXPECT_EQ(finished.line()["images"], 1);
}

TEST_F(EvalTest, WrongShardsAndClassesAreNamed) {
  const auto classes = add_file("classes.tsv", "0\tn0\tcat\n2\tn2\tdog\n").string();
  const auto good = shard("val.tar", tar_entry("a.png", picture(1)) + tar_entry("a.cls", "0"));
  EXPECT_TRUE(run({"eval", "zero-shot", good, "--classes", classes}).names("classes.tsv"));
  const auto broken = add_file("broken.tar", std::string(2000, 'x')).string();
  const auto finished = run({"eval", "retrieval", broken});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(finished.names("broken.tar"));
  EXPECT_EQ(run({"eval", "zero-shot", good}).code, 2);
  EXPECT_EQ(run({"eval"}).code, 2);
}

}  // namespace beeld::testing
