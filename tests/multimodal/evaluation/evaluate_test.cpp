#include "multimodal/evaluation/evaluate.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/files.h"
#include "multimodal/data/class_names.h"
#include "tests/multimodal/data/shard_writer.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

std::vector<std::string> class_names(const std::string& content) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "classes.tsv", content);
  return read_class_names(folder / "classes.tsv");
}

TEST(ClassNames, AreTheFirstNamesInTheOrderOfTheIndices) {
  EXPECT_EQ(class_names("1\tn2\tgreat white shark, white shark\r\n0\tn1\ttench\n\n2\tn3\t crane ,bird"),
            (std::vector<std::string>{"tench", "great white shark", "crane"}));
  EXPECT_TRUE(class_names("").empty());
}

TEST(ClassNames, HaveSynonyms) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "classes.tsv",
                        "1\tn2\tgreat white shark,  white shark ,,x\tmore\n0\tn1\ttench");
  EXPECT_EQ(read_class_synonyms(folder / "classes.tsv"),
            (std::vector<std::vector<std::string>>{{"tench"}, {"great white shark", "white shark", "x"}}));
}

TEST(ClassNames, RefuseWhatIsNoClassFile) {
  for (const auto* content : {"tench\n", "0 n1 tench\n", "0\tn1\n", "0\tn1\t\n", "0\tn1\t, x\n",
                              "x\tn1\ttench\n", "-1\tn1\ttench\n", "1\tn1\ttench\n", "0\tn1\ta\n0\tn2\tb\n",
                              "0\tn1\ta\n2\tn2\tb\n", "99999999999999999999\tn1\ta\n"}) {
    try {
      class_names(content);
      ADD_FAILURE() << "accepted " << content;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
    }
  }
}

/// Ten pictures and a random model, which knows nothing but always the same.
class Evaluate : public ::testing::Test {
 protected:
  Evaluate() {
    testing::write_tiny_model(folder_ / "model");
    for (std::uint32_t seed = 0; seed < 10; ++seed) pictures_.push_back(testing::wave_picture(40, 36, seed));
  }

  Model model() { return Model::load(folder_ / "model"); }

  static std::string key(std::size_t i) { return "picture" + std::to_string(i); }

  std::filesystem::path write(const std::vector<testing::ShardEntry>& entries) {
    testing::write_shard(folder_ / "shard.tar", entries);
    return folder_ / "shard.tar";
  }

  testing::TemporaryFolder folder_;
  std::vector<Image> pictures_;
};

TEST_F(Evaluate, CountsZeroShotHitsAndSkipsBadSamples) {
  const auto loaded = model();
  const ZeroShot classifier(loaded, {"a", "b", "c", "d", "e", "f", "g"}, {"a photo of {}"});
  auto embeddings = loaded.encode_images(pictures_);
  normalize_rows(embeddings);
  const auto logits = classifier.logits(embeddings);

  // Of ten pictures six get the class the model prefers, two the third best and two the worst.
  std::vector<testing::ShardEntry> entries;
  for (std::size_t i = 0; i < pictures_.size(); ++i) {
    std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6};
    std::ranges::sort(order, std::ranges::greater{}, [&](std::size_t label) { return logits[i][label]; });
    const auto label = order[i < 6 ? 0 : i < 8 ? 2 : 6];
    entries.push_back({key(i) + ".png", testing::png_bytes(pictures_[i])});
    entries.push_back({key(i) + ".cls", std::to_string(label)});
    if (i != 4) continue;
    entries.insert(entries.end(), {{"bad1.jpg", "no picture"},
                                   {"bad1.cls", "0"},
                                   {"bad2.cls", "0"},
                                   {"bad3.png", testing::png_bytes(pictures_[0])},
                                   {"bad4.png", testing::png_bytes(pictures_[0])},
                                   {"bad4.cls", "7"}});
  }
  std::vector<std::size_t> progress;
  const EvaluationOptions options{.batch = 3, .progress = [&](std::size_t n) { progress.push_back(n); }};
  const auto result = evaluate_zero_shot(loaded, classifier, {write(entries)}, options);
  EXPECT_EQ(result.images, 10U);
  EXPECT_EQ(result.classes, 7U);
  EXPECT_DOUBLE_EQ(result.top1, 60);
  EXPECT_DOUBLE_EQ(result.top5, 80);
  ASSERT_EQ(result.skipped.size(), 4U);
  EXPECT_EQ(result.skipped[0].key, "bad1");
  EXPECT_EQ(result.skipped[1].reason, "no picture");
  EXPECT_EQ(result.skipped[2].reason, "no class");
  EXPECT_EQ(result.skipped[3].reason, "class out of range");
  ASSERT_FALSE(progress.empty());
  EXPECT_EQ(progress.back(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(progress));
}

TEST_F(Evaluate, RetrievalEqualsItsDefinition) {
  const auto loaded = model();
  std::vector<testing::ShardEntry> entries{{"lost.txt", "no picture here"}};
  std::vector<std::string> captions;
  std::vector<std::size_t> image_of;
  for (std::size_t i = 0; i < pictures_.size(); ++i) {
    std::string lines;
    for (std::size_t j = 0; j <= i % 3; ++j) {
      captions.push_back("caption " + std::string(1 + i, static_cast<char>('a' + j)));
      image_of.push_back(i);
      lines += captions.back() + "\n";
    }
    entries.push_back({key(i) + ".txt", lines});
    entries.push_back({key(i) + ".png", testing::png_bytes(pictures_[i])});
  }
  const auto result = evaluate_retrieval(loaded, {write(entries)}, {.batch = 4, .progress = {}});
  EXPECT_EQ(result.images, 10U);
  EXPECT_EQ(result.texts, captions.size());
  EXPECT_EQ(result.skipped.size(), 1U);

  auto images = loaded.encode_images(pictures_);
  auto texts = loaded.encode_texts(captions);
  normalize_rows(images);
  normalize_rows(texts);
  const auto expected = retrieval_recall(texts, images, image_of);
  EXPECT_DOUBLE_EQ(result.text_to_image.at1, expected.text_to_image.at1);
  EXPECT_DOUBLE_EQ(result.text_to_image.at5, expected.text_to_image.at5);
  EXPECT_DOUBLE_EQ(result.image_to_text.at5, expected.image_to_text.at5);
  EXPECT_DOUBLE_EQ(result.text_to_image.at10, 100);
}

TEST_F(Evaluate, RefusesShardsWithoutAUsableSample) {
  const auto loaded = model();
  try {
    evaluate_retrieval(loaded, {write({{"1.jpg", "no picture"}, {"1.txt", "caption"}})});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("no usable sample"), std::string::npos) << error.what();
  }
}

TEST(EvaluateReal, LitTinyHasItsPublishedRecall) {
  BEELD_NEED_SHARED("models/lit-tiny/open_clip_model.safetensors");
  BEELD_NEED_SHARED("data/flickr8k/dev-00.tar");
  const auto model = Model::load(testing::shared_folder() / "models/lit-tiny");
  const auto result = evaluate_retrieval(model, {testing::shared_folder() / "data/flickr8k/dev-00.tar"});
  EXPECT_EQ(result.images, 1000U);
  EXPECT_EQ(result.texts, 5000U);
  EXPECT_TRUE(result.skipped.empty());
  EXPECT_NEAR(result.text_to_image.at1, 15.56, 0.2);
  EXPECT_NEAR(result.text_to_image.at5, 39.12, 0.2);
  EXPECT_NEAR(result.text_to_image.at10, 51.36, 0.2);
  EXPECT_NEAR(result.image_to_text.at1, 19.7, 0.2);
  EXPECT_NEAR(result.image_to_text.at5, 45.8, 0.2);
  EXPECT_NEAR(result.image_to_text.at10, 58.3, 0.2);
}

}  // namespace
}  // namespace beeld
