// The reference cases through the command: what a person types gives the reference's numbers.
#include <map>
#include <span>
#include <sstream>

#include "core/base/files.h"
#include "tests/cli/command.h"
#include "tests/support/npy.h"
#include "tests/support/shared.h"

namespace beeld::testing {

class CommandConformanceTest : public CommandTest {
 protected:
  static void expect_equal(std::span<const double> got, const Array& expected, double tolerance) {
    ASSERT_EQ(got.size(), expected.values.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], expected.values[i], tolerance) << "value " << i;
  }

  /// Rows that `beeld embed` writes for the case's pictures and, where it has some, texts.
  Array embed(const std::filesystem::path& folder, std::vector<std::string> more) {
    more.insert(more.begin(),
                {"embed", "--model", folder.string(), "--no-exif", "--images",
                 (folder / "inputs/images.json").string(), "--out", (folder_ / "rows.npy").string()});
    const auto finished = run_plain(more);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return read_npy(folder_ / "rows.npy");
  }
};

TEST_F(CommandConformanceTest, DualEncoders) {
  BEELD_NEED_SHARED("conformance");
  for (const char* name : {"clip/public", "open_clip/public", "siglip/public", "siglip2/public",
                           "siglip2/public_naflex", "chinese_clip/public"}) {
    SCOPED_TRACE(name);
    const auto folder = shared_folder() / "conformance" / name;
    const auto rows = embed(folder, {"--texts", (folder / "inputs/texts.json").string()});
    const auto images = read_npy(folder / "expected/image_embeds.npy");
    const auto texts = read_npy(folder / "expected/text_embeds.npy");
    ASSERT_EQ(rows.values.size(), images.values.size() + texts.values.size());
    const std::span<const double> values = rows.values;
    expect_equal(values.first(images.values.size()), images, 2e-6);
    expect_equal(values.subspan(images.values.size()), texts, 2e-6);
  }
}

TEST_F(CommandConformanceTest, VisionModels) {
  BEELD_NEED_SHARED("conformance");
  for (const char* name : {"dinov2/public", "dinov2/public_registers"}) {
    SCOPED_TRACE(name);
    const auto folder = shared_folder() / "conformance" / name;
    expect_equal(embed(folder, {"--raw"}).values, read_npy(folder / "expected/pooler_output.npy"), 1e-5);
  }
}

TEST_F(CommandConformanceTest, Classifier) {
  BEELD_NEED_SHARED("conformance/vit/public/config.json");
  const auto folder = shared_folder() / "conformance/vit/public";
  std::vector<std::string> arguments = {"classify", "--model", folder.string(), "--no-exif",
                                        "--json",   "--top",   "1000"};
  for (const auto& name : read_json(folder / "inputs/images.json"))
    arguments.push_back((folder / "inputs" / name.get<std::string>()).string());
  const auto finished = run_plain(arguments);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto expected = read_npy(folder / "expected/logits.npy");
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), expected.shape[0]);
  const auto classes = read_json(folder / "config.json").at("id2label");
  for (std::size_t row = 0; row < lines.size(); ++row) {
    ASSERT_EQ(lines[row]["labels"].size(), expected.shape[1]);
    std::map<std::string, double> logits;
    for (const auto& entry : lines[row]["labels"]) logits[entry["label"]] = entry["logit"];
    for (std::size_t i = 0; i < expected.shape[1]; ++i)
      EXPECT_NEAR(logits.at(classes.at(std::to_string(i))), expected.values[row * expected.shape[1] + i],
                  2e-5);
  }
}

TEST_F(CommandConformanceTest, TokensOfCaptions) {
  BEELD_NEED_SHARED("tokenizers/clip/coco_captions.jsonl");
  nlohmann::json texts = nlohmann::json::array();
  std::vector<nlohmann::json> expected;
  std::istringstream stream(read_file(shared_folder() / "tokenizers/clip/coco_captions.jsonl", 64u << 20));
  for (std::string line; std::getline(stream, line);) {
    expected.push_back(nlohmann::json::parse(line));
    texts.push_back(expected.back()["text"]);
  }
  ASSERT_GT(expected.size(), 2000u);
  const auto finished =
      run_plain({"tokenize", "--json", "--texts", add_file("texts.json", texts.dump()).string(), "--model",
                 (shared_folder() / "tokenizers/clip").string()});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], expected[i]);
}

}  // namespace beeld::testing
