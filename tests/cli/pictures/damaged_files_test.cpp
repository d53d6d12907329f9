#include <sstream>

#include "core/base/files.h"
#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

/// Files that are not what their names say, among those that are.
class DamagedFilesTest : public CommandTest {
 protected:
  /// `good` with every damaged picture between and around them.
  std::vector<std::string> with_damaged(const std::vector<std::string>& good) const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < damaged_.size(); ++i) {
      all.push_back(damaged_[i].first);
      if (i < good.size()) all.push_back(good[i]);
    }
    return all;
  }

  /// The libraries that decode print nothing of their own.
  static bool only_own_lines(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("beeld: ")) return false;
    return true;
  }

  /// Each damaged picture has a line of its own that names it and says what is wrong.
  void expect_all_named(const Finished& finished) const {
    EXPECT_EQ(finished.code, 1);
    std::size_t lines = 0;
    for (const char character : finished.err) lines += character == '\n';
    EXPECT_EQ(lines, damaged_.size()) << finished.err;
    EXPECT_TRUE(only_own_lines(finished.err)) << finished.err;
    for (const auto& [path, fact] : damaged_) {
      const auto at = finished.err.find(path);
      ASSERT_NE(at, std::string::npos) << path << "\n" << finished.err;
      const auto line = finished.err.substr(at, finished.err.find('\n', at) - at);
      EXPECT_NE(line.find(fact), std::string::npos) << line << "\nexpected: " << fact;
    }
  }

  /// Runs `command` on good pictures, alone and among damaged ones: what is printed for the good is the same.
  void expect_unchanged(const std::vector<std::string>& command, const std::vector<std::string>& behind) {
    const auto run_on = [&](const std::vector<std::string>& files) {
      auto arguments = command;
      arguments.insert(arguments.end(), files.begin(), files.end());
      arguments.insert(arguments.end(), behind.begin(), behind.end());
      return run(arguments);
    };
    const auto alone = run_on(good_), among = run_on(with_damaged(good_));
    EXPECT_EQ(alone.code, 0) << alone.err;
    EXPECT_EQ(alone.lines().size(), good_.size());
    EXPECT_EQ(among.out, alone.out);
    expect_all_named(among);
  }

  std::string add(const std::string& name, const std::string& content) {
    return add_file("pictures/" + name, content).string();
  }

  std::string jpeg_ =
      read_file(beeld::testing::source_folder() / "data/gallery/blue-train-on-the-grass.jpg", 1 << 20);
  std::string png_ = png_bytes(wave_picture(48, 40, 3));
  std::vector<std::string> good_ = {add_picture("a.png", 1).string(), add_picture("b.bmp", 2).string()};
  // Path, and what its line says.
  std::vector<std::pair<std::string, std::string>> damaged_ = {
      {(pictures_ / "absent.png").string(), "No such file"},
      {add("cut.png", png_.substr(0, png_.size() / 4)), "truncated PNG"},
      {add("cut.jpg", jpeg_.substr(0, jpeg_.size() / 4)), "damaged JPEG: Premature end of JPEG file"},
      {add("stream.png", std::string("\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x02\x00\x00\x00"
                                     "\x02\x08\x02\x00\x00\x00\xfd\xd4\x9as\x00\x00\x00\x0bIDATx\x9cno "
                                     "stream\xe0\xa3+\x91\x00\x00\x00\x00IEND\xae\x42`\x82",
                                     68)),
       "damaged PNG data"},
      {add("photometric.tif",
           std::string("II*"
                       "\x00\x08\x00\x00\x00\x06\x00\x00\x01\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x01"
                       "\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00"
                       "\x00\x03\x01\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x11\x01\x04\x00\x01\x00\x00\x00V"
                       "\x00\x00\x00\x17\x01\x04\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x80",
                       87)),
       "TIFF without a photometric interpretation"},
      // Without libtiff the fact is another.
      {add("inks.tif",
           std::string("II*"
                       "\x00\x08\x00\x00\x00\x07\x00\x00\x01\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x01"
                       "\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00"
                       "\x00\x03\x01\x03\x00\x01\x00\x00\x00\x01\x00\x00\x00\x06\x01\x03\x00\x01\x00\x00\x00"
                       "\x05\x00\x00\x00\x11\x01\x04\x00\x01\x00\x00\x00\x62\x00\x00\x00\x17\x01\x04\x00\x01"
                       "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x80",
                       99)),
       "inks.tif: "},
      {add("empty.jpg", ""), "the file is empty"},
      {add("zero.ppm", "P6 0 5 255\n"), "a picture of 0x5 pixels"},
      {add("bomb.ppm", "P6 900000 900000 255\n"), "900000x900000 pixels"},
      {add("text.jpg", "no picture"), "not a picture"},
      {add("._a.jpg", std::string("\0\x05\x16\x07\0\x02\0\0", 8)), "AppleDouble"}};
};

TEST_F(DamagedFilesTest, ClassifyGivesTheOthersUnchanged) {
  expect_unchanged({"classify"}, {"--labels", "cat,dog"});
}

TEST_F(DamagedFilesTest, EmbedGivesTheOthersUnchanged) { expect_unchanged({"embed", "--image"}, {}); }

TEST_F(DamagedFilesTest, AFolderGivesItsPicturesUnchanged) {
  std::filesystem::create_directory(pictures_ / "folder.jpg");
  const auto alone = run({"classify", good_[0], good_[1], "--labels", "cat,dog"});
  const auto folder = run({"classify", pictures_.string(), "--labels", "cat,dog"});
  EXPECT_EQ(folder.code, 1);
  EXPECT_EQ(folder.out, alone.out);
  EXPECT_FALSE(folder.names("folder.jpg")) << folder.err;
  EXPECT_FALSE(folder.names("._a.jpg")) << folder.err;
  EXPECT_TRUE(folder.names("cut.png")) << folder.err;
}

TEST_F(DamagedFilesTest, WithoutAnyGoodPictureNothingIsDone) {
  for (const std::string command : {"classify", "embed"}) {
    std::vector<std::string> arguments = {command};
    if (command == "embed") arguments.emplace_back("--image");
    for (const auto& [path, fact] : damaged_) arguments.push_back(path);
    if (command == "classify") arguments.insert(arguments.end(), {"--labels", "cat,dog"});
    const auto finished = run(arguments);
    EXPECT_EQ(finished.code, 2) << command;
    EXPECT_EQ(finished.out, "") << command;
    for (const auto& [path, fact] : damaged_) EXPECT_TRUE(finished.names(path)) << path;
  }
}

TEST_F(DamagedFilesTest, AModelsDamagedFileIsNamed) {
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"config.json", "{"},
      {"config.json", std::string(100000, '[')},
      {"config.json", R"({"model_type": 7})"},
      {"config.json", ""},
      {"preprocessor_config.json", R"({"feature_extractor_type":"CLIPFeatureExtractor","size":"large"})"},
      {"vocab.json", "[]"},
      {"merges.txt", "a b c\n"},
      {"tokenizer_config.json", R"({"model_max_length":{}})"},
      {"model.safetensors", ""},
      {"model.safetensors", std::string("\0\0\0\0\1\0\0\0{}", 10)}};
  for (const auto& [name, content] : changes) {
    const auto whole = read_file(model_ / name, std::size_t{1} << 30);
    ASSERT_FALSE(whole.empty()) << name;
    add_file("model/" + name, content);
    const auto finished = run({"classify", good_[0], "--labels", "cat,dog"});
    EXPECT_EQ(finished.code, 2) << name << ": " << content.substr(0, 40);
    EXPECT_EQ(finished.out, "") << name;
    EXPECT_TRUE(finished.names(name)) << finished.err;
    add_file("model/" + name, whole);
  }
  EXPECT_EQ(run({"classify", good_[0], "--labels", "cat,dog"}).code, 0) << "the model is whole again";
}

}  // namespace beeld::testing
