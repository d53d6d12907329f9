#include "multimodal/probe/labelled_images.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/multimodal/data/shard_writer.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

class LabelledImagesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const testing::TemporaryFolder folder;
    testing::write_tiny_model(folder.path());
    model_ = std::make_unique<Model>(Model::load(folder.path()));
  }
  static void TearDownTestSuite() { model_.reset(); }

  void add(const fs::path& name, std::uint32_t seed) const {
    fs::create_directories((folder_ / name).parent_path());
    testing::write_picture(folder_ / name, testing::wave_picture(40, 36, seed));
  }

  static std::vector<float> unit_embedding(std::uint32_t seed) {
    const std::vector<Image> images = {testing::wave_picture(40, 36, seed)};
    auto row = model_->encode_images(images);
    normalize_rows(row);
    return row.values;
  }

  static void expect_row(const LabelledEmbeddings& data, std::size_t row, std::uint32_t seed) {
    const auto expected = unit_embedding(seed);
    for (std::size_t d = 0; d < expected.size(); ++d) EXPECT_NEAR(data.embeddings[row][d], expected[d], 2e-6);
  }

  static std::unique_ptr<Model> model_;
  testing::TemporaryFolder folder_;
};

std::unique_ptr<Model> LabelledImagesTest::model_;

TEST_F(LabelledImagesTest, ClassFoldersAreSortedAndOnce) {
  add("a/tree/1.png", 1);
  add("a/cat/1.png", 1);
  add("b/cat/2.png", 1);
  add("b/sun/2.png", 1);
  add("a/.hidden/1.png", 1);
  add("a/loose.png", 1);
  EXPECT_EQ(class_folders({folder_ / "a", folder_ / "b"}), (std::vector<std::string>{"cat", "sun", "tree"}));
  testing::expect_error(ErrorCode::not_found, "absent", [&] { class_folders({folder_ / "absent"}); });
  testing::expect_error(ErrorCode::io, "loose.png", [&] { class_folders({folder_ / "a/loose.png"}); });
}

TEST_F(LabelledImagesTest, ReadsFoldersOfFolders) {
  add("cat/2.png", 2);
  add("cat/deep/er/1.png", 1);
  add("tree/3.png", 3);
  add("loose.png", 4);
  std::ofstream(folder_ / "tree/broken.jpg") << "no picture";
  std::size_t done = 0;
  const auto read =
      embed_labelled(*model_, {folder_.path()}, {"tree", "sun", "cat"}, [&](std::size_t n) { done = n; });
  EXPECT_EQ(done, 3u);
  EXPECT_EQ(read.examples.labels, (std::vector<std::size_t>{2, 2, 0}));
  expect_row(read.examples, 0, 2);
  expect_row(read.examples, 1, 1);
  expect_row(read.examples, 2, 3);
  ASSERT_EQ(read.skipped.size(), 1u);
  EXPECT_NE(read.skipped[0].name.find("broken.jpg"), std::string::npos);
}

TEST_F(LabelledImagesTest, ReadsShards) {
  const auto picture = [](std::uint32_t seed) {
    return testing::png_bytes(testing::wave_picture(40, 36, seed));
  };
  testing::write_shard(folder_ / "s.tar", {{"a.png", picture(5)},
                                           {"a.cls", "1"},
                                           {"b.png", "no picture"},
                                           {"b.cls", "0"},
                                           {"c.cls", "0"},
                                           {"d.png", picture(6)},
                                           {"e.png", picture(6)},
                                           {"e.cls", "2"},
                                           {"f.png", picture(7)},
                                           {"f.cls", "0"}});
  const auto read = embed_labelled(*model_, {folder_ / "s.tar"}, {"cat", "dog"});
  EXPECT_EQ(read.examples.labels, (std::vector<std::size_t>{1, 0}));
  expect_row(read.examples, 0, 5);
  expect_row(read.examples, 1, 7);
  std::vector<std::string> skipped;
  for (const auto& picture_ : read.skipped) skipped.push_back(picture_.name.substr(picture_.name.size() - 1));
  std::sort(skipped.begin(), skipped.end());
  EXPECT_EQ(skipped, (std::vector<std::string>{"b", "c", "d", "e"}));
}

TEST_F(LabelledImagesTest, ManyPicturesKeepTheirLabels) {
  for (std::uint32_t i = 0; i < 70; ++i)
    add((i % 2 == 0 ? "even/" : "odd/") + std::to_string(1000 + i) + ".bmp", i);
  const auto read = embed_labelled(*model_, {folder_.path()}, {"even", "odd"});
  ASSERT_EQ(read.examples.labels.size(), 70u);
  for (std::size_t row : {0u, 34u, 35u, 69u}) {
    expect_row(read.examples, row, static_cast<std::uint32_t>(row < 35 ? 2 * row : 2 * (row - 35) + 1));
    EXPECT_EQ(read.examples.labels[row], row < 35 ? 0u : 1u);
  }
}

TEST_F(LabelledImagesTest, AnUnknownClassIsNamed) {
  add("zebra/1.png", 1);
  try {
    embed_labelled(*model_, {folder_.path()}, {"cat"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("zebra"), std::string::npos);
  }
  testing::expect_error(ErrorCode::not_found, "absent.tar: does not exist",
                        [&] { embed_labelled(*model_, {folder_ / "absent.tar"}, {"cat"}); });
}

}  // namespace
}  // namespace beeld
