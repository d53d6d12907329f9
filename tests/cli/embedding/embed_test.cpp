#include <beeld/model.h>

#include <cmath>

#include "core/base/files.h"
#include "tests/cli/command.h"
#include "tests/support/npy.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/weight_files.h"

namespace beeld::testing {

class EmbedTest : public CommandTest {
 protected:
  /// Row `row` of an array, compared with a vector.
  static void expect_row(const Array& array, std::size_t row, std::span<const float> expected) {
    ASSERT_EQ(array.shape.size(), 2u);
    ASSERT_EQ(array.shape[1], expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(array.values[row * expected.size() + i], expected[i], 2e-6);
  }

  std::filesystem::path out_ = folder_ / "rows.npy";
};

TEST_F(EmbedTest, RowsFollowTheArgumentsPicturesFirst) {
  const auto a = add_picture("a.png", 1), b = add_picture("b.bmp", 2);
  const auto finished = run({"embed", "--text", "a cat", "a dog", "--image", a.string(), "--image",
                             b.string(), "--out", out_.string(), "--raw"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto rows = read_npy(out_);
  ASSERT_EQ(rows.shape, (std::vector<std::size_t>{4, 24}));
  const auto model = Model::load(model_);
  const std::vector<Image> images = {wave_picture(48, 40, 1), wave_picture(48, 40, 2)};
  const std::vector<std::string> texts = {"a cat", "a dog"};
  const auto image_rows = model.encode_images(images), text_rows = model.encode_texts(texts);
  for (std::size_t i = 0; i < 2; ++i) {
    expect_row(rows, i, image_rows[i]);
    expect_row(rows, 2 + i, text_rows[i]);
  }
}

TEST_F(EmbedTest, RowsHaveUnitLengthUnlessRaw) {
  const auto picture = add_picture("a.png", 1).string();
  for (const auto& line : run({"embed", "--image", picture, "--text", "a cat"}).lines()) {
    double square = 0;
    for (const double value : line["embedding"]) square += value * value;
    EXPECT_NEAR(square, 1, 1e-5);
  }
  double square = 0;
  const auto raw = run({"embed", "--text", "a cat", "--raw"}).line();
  for (const double value : raw["embedding"]) square += value * value;
  EXPECT_GT(std::abs(square - 1), 1e-3);
}

TEST_F(EmbedTest, JsonLinesEqualTheFile) {
  const auto picture = add_picture("a.png", 1).string();
  const auto lines = run({"embed", "--image", picture, "--text", "[a,b]"}).lines();
  ASSERT_EQ(run({"embed", "--image", picture, "--text", "[a,b]", "--out", out_.string()}).code, 0);
  const auto rows = read_npy(out_);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["input"], picture);
  EXPECT_EQ(lines[1]["input"], "[a,b]");
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t i = 0; i < 24; ++i)
      EXPECT_EQ(static_cast<float>(lines[row]["embedding"][i].get<double>()),
                static_cast<float>(rows.values[row * 24 + i]));
}

TEST_F(EmbedTest, APictureThatCannotBeReadMovesNoOtherRow) {
  const auto a = add_picture("a.png", 1), b = add_picture("b.png", 2);
  const auto bad = add_file("bad.png", "this is no picture");
  const auto finished = run(
      {"embed", "--image", a.string(), bad.string(), b.string(), "--text", "a cat", "--out", out_.string()});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("bad.png")) << finished.err;
  ASSERT_EQ(run({"embed", "--image", a.string(), b.string(), "--text", "a cat", "--out",
                 (folder_ / "good.npy").string()})
                .code,
            0);
  const auto rows = read_npy(out_), good = read_npy(folder_ / "good.npy");
  ASSERT_EQ(rows.shape, (std::vector<std::size_t>{4, 24}));
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_NEAR(rows.values[i], good.values[i], 1e-6);
    EXPECT_TRUE(std::isnan(rows.values[24 + i]));
    EXPECT_NEAR(rows.values[48 + i], good.values[24 + i], 1e-6);
    EXPECT_NEAR(rows.values[72 + i], good.values[48 + i], 1e-6);
  }
  const auto lines = run({"embed", "--image", a.string(), bad.string(), b.string()}).lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["input"], b.string());
}

TEST_F(EmbedTest, NothingReadableIsNothingDone) {
  const auto finished = run({"embed", "--image", (folder_ / "absent.jpg").string(), "--out", out_.string()});
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(finished.names("absent.jpg"));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(run({"embed"}).code, 2);
}

TEST_F(EmbedTest, ListsOfFilesAreRelativeToTheList) {
  add_picture("a.png", 1);
  add_picture("b.png", 2);
  const auto list = add_file("pictures/list.json", R"(["b.png", "a.png"])");
  const auto texts = add_file("texts.json", R"(["one", "two"])");
  const auto lines = run({"embed", "--images", list.string(), "--texts", texts.string()}).lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["input"], (pictures_ / "b.png").string());
  EXPECT_EQ(lines[3]["input"], "two");
}

TEST_F(EmbedTest, ManyInputsCrossBatches) {
  std::vector<std::string> arguments = {"embed", "--image"};
  for (std::uint32_t i = 0; i < 40; ++i)
    arguments.push_back(add_picture(std::to_string(i) + ".ppm", i).string());
  const auto all = run(arguments).lines();
  ASSERT_EQ(all.size(), 40u);
  const auto one = run({"embed", "--image", arguments[2 + 37]}).line();
  EXPECT_EQ(all[37]["input"], one["input"]);
  for (std::size_t i = 0; i < 24; ++i)
    EXPECT_NEAR(all[37]["embedding"][i].get<double>(), one["embedding"][i].get<double>(), 1e-6);
}

/// What --tokens --out says of each input, and then of the file.
TEST_F(EmbedTest, TokensAreRowsOfAFileAndLinesSayWhose) {
  const auto a = add_picture("a.png", 1), b = add_picture("b.png", 2);
  const auto bad = add_file("bad.png", "this is no picture");
  const auto finished =
      run({"embed", "--tokens", "--out", out_.string(), "--image", a.string(), bad.string(), b.string()});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("bad.png")) << finished.err;
  const auto model = Model::load(model_);
  const std::vector<Image> images = {wave_picture(48, 40, 1), wave_picture(48, 40, 2)};
  const auto features = model.token_features(images);
  const auto rows = read_npy(out_);
  ASSERT_EQ(rows.shape, (std::vector<std::size_t>{features.rows.rows, features.rows.columns}));
  for (std::size_t row = 0; row < features.rows.rows; ++row) expect_row(rows, row, features.rows[row]);
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["input"], a.string());
  EXPECT_EQ(lines[1]["input"], b.string());
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& item = features.items[i];
    EXPECT_EQ(lines[i]["begin"], item.begin);
    EXPECT_EQ(lines[i]["rows"], item.count);
    EXPECT_EQ(lines[i]["special"], 1);
    EXPECT_EQ(lines[i]["grid"], (std::vector<std::size_t>{item.grid_rows, item.grid_columns}));
  }
  EXPECT_EQ(lines[2]["rows"], features.rows.rows);
}

TEST_F(EmbedTest, TokensOfManyInputsFollowOneAnother) {
  std::vector<std::string> arguments = {"embed", "--tokens", "--out", out_.string(), "--image"};
  for (std::uint32_t i = 0; i < 20; ++i)
    arguments.push_back(add_picture(std::to_string(i) + ".ppm", i).string());
  const auto lines = run(arguments).lines();
  ASSERT_EQ(lines.size(), 21u);
  const auto rows = read_npy(out_);
  const std::vector<Image> last = {wave_picture(48, 40, 19)};
  const auto features = Model::load(model_).token_features(last);
  EXPECT_EQ(lines[19]["begin"], 19 * features.rows.rows);
  ASSERT_EQ(rows.shape[0], 20 * features.rows.rows);
  for (std::size_t row = 0; row < features.rows.rows; ++row)
    expect_row(rows, 19 * features.rows.rows + row, features.rows[row]);
}

TEST_F(EmbedTest, TokensAreLinesOfJsonWithoutAFile) {
  const auto picture = add_picture("a.png", 1).string();
  const auto lines = run({"embed", "--tokens", "--image", picture, "--text", "a cat"}).lines();
  ASSERT_EQ(lines.size(), 2u);
  const auto model = Model::load(model_);
  const std::vector<std::string> texts = {"a cat"};
  const auto features = model.token_features(texts);
  EXPECT_EQ(lines[1]["input"], "a cat");
  EXPECT_EQ(lines[1]["ids"], features.items[0].ids);
  ASSERT_EQ(lines[1]["tokens"].size(), features.rows.rows);
  EXPECT_NEAR(lines[1]["tokens"][1][2].get<double>(), features.rows[1][2], 2e-6);
  const std::size_t patches = lines[0]["grid"][0].get<std::size_t>() * lines[0]["grid"][1].get<std::size_t>();
  EXPECT_EQ(lines[0]["tokens"].size(), 1 + patches);
  EXPECT_FALSE(lines[0].contains("ids"));
}

TEST_F(EmbedTest, TokensAreNamedToPeople) {
  const auto finished = run_plain(
      {"embed", "--tokens", "--text", "a\tcat", "--out", out_.string(), "--model", model_.string()});
  EXPECT_EQ(finished.code, 0) << finished.err;
  const auto rows = read_npy(out_).shape[0];
  EXPECT_EQ(finished.out, "rows 0 to " + std::to_string(rows - 1) + "  a\\x09cat\n");
}

TEST_F(EmbedTest, TokensOfTwoWidthsDoNotFitOneFile) {
  BEELD_NEED_SHARED("conformance/clip/public");
  const auto model = (shared_folder() / "conformance/clip/public").string();
  const auto picture = add_picture("a.png", 1).string();
  const auto finished = run_plain(
      {"embed", "--tokens", "--image", picture, "--text", "a", "--model", model, "--out", out_.string()});
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(finished.names("one .npy file cannot hold both")) << finished.err;
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(EmbedTest, AVisionModelEmbedsPicturesOnly) {
  BEELD_NEED_SHARED("conformance/dinov2/public/config.json");
  const auto model = (shared_folder() / "conformance/dinov2/public").string();
  const auto picture = add_picture("a.png", 1).string();
  const auto good = run_plain({"embed", "--image", picture, "--model", model});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(good.lines().size(), 1u);
  const auto bad = run_plain({"embed", "--image", picture, "--text", "a", "--model", model});
  EXPECT_EQ(bad.code, 2);
  EXPECT_EQ(bad.out, "");
  EXPECT_TRUE(bad.names("pictures only")) << bad.err;
}

/// Makes the checkpoint one of texts alone, as transformers saves a text tower.
void keep_the_text_tower(const std::filesystem::path& model) {
  auto config = read_json(model / "config.json");
  auto own = config["text_config"];
  own["model_type"] = "clip_text_model";
  own["projection_dim"] = config["projection_dim"];
  auto weights = read_tensors(model / "model.safetensors");
  std::erase_if(weights, [](const auto& tensor) { return !tensor.first.starts_with("text_"); });
  std::filesystem::remove(model / "model.safetensors");
  write_tensors(model / "model.safetensors", weights);
  write_file_atomically(model / "config.json", own.dump());
}

TEST_F(EmbedTest, AModelOfTextsAloneSaysSoOfPictures) {
  const auto picture = add_picture("a.png", 1).string();
  const auto whole = run({"embed", "--text", "a cat"}).line();
  keep_the_text_tower(model_);
  EXPECT_EQ(run({"embed", "--text", "a cat"}).line(), whole);
  const auto list = add_file("texts.json", R"(["a cat"])").string();
  EXPECT_EQ(run({"embed", "--texts", list}).line(), whole);
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"embed", "--image", picture},
                                             {"index", pictures_.string()},
                                             {"search", "a cat", pictures_.string()},
                                             {"classify", picture, "--labels", "cat,dog"}}) {
    const auto finished = run(arguments);
    EXPECT_EQ(finished.code, 2) << arguments.front();
    EXPECT_TRUE(finished.names("embeds texts only, not pictures")) << finished.err;
  }
  const auto info = run({"info"}).line();
  EXPECT_EQ(info["has_images"], false);
  EXPECT_EQ(info["image_size"], nullptr);
  const auto text = run_plain({"info", model_.string()});
  EXPECT_NE(text.out.find("texts alone"), std::string::npos) << text.out;
}

}  // namespace beeld::testing
