// The examples are what users copy: each must run.
#include <beeld/index.h>

#include <cstdlib>
#include <sstream>

#include "tests/cli/command.h"
#include "tests/support/pictures.h"

namespace beeld::testing {

class ExamplesTest : public CommandTest {
 protected:
  Finished run_example(const std::string& name, const std::vector<std::string>& arguments) {
    return run_program(std::string(BEELD_EXAMPLES) + "/example_" + name, arguments);
  }
};

TEST_F(ExamplesTest, EmbedPrintsTheCosines) {
  const auto picture = add_picture("a.png", 1).string();
  const auto finished = run_example("embed", {model_.string(), picture, "a cat", "a dog"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto model = Model::load(model_);
  const std::vector<Image> image = {wave_picture(48, 40, 1)};
  Matrix row = model.encode_images(image);
  normalize_rows(row);
  std::istringstream stream(finished.out);
  for (const std::string text : {"a cat", "a dog"}) {
    std::string line;
    ASSERT_TRUE(std::getline(stream, line));
    EXPECT_TRUE(line.ends_with(text)) << line;
    EXPECT_NEAR(std::strtod(line.c_str(), nullptr), dot(row[0], query_embedding(model, text)), 1e-4);
  }
}

TEST_F(ExamplesTest, ClassifyPrintsEveryLabel) {
  const auto finished =
      run_example("classify", {model_.string(), add_picture("a.png", 1).string(), "cat", "dog"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find(" %  cat\n"), std::string::npos);
  EXPECT_NE(finished.out.find(" %  dog\n"), std::string::npos);
}

TEST_F(ExamplesTest, SearchFolderFindsThePictures) {
  add_picture("a.png", 1);
  add_picture("b.png", 2);
  const auto finished = run_example("search_folder", {model_.string(), pictures_.string(), "a cat"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("a.png\n"), std::string::npos);
  EXPECT_NE(finished.out.find("b.png\n"), std::string::npos);
}

TEST_F(ExamplesTest, ErrorsAreMessages) {
  const auto finished = run_example("embed", {(folder_ / "absent").string(), "a.png", "x", "y"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("absent"));
  EXPECT_EQ(run_example("classify", {}).code, 2);
}

}  // namespace beeld::testing
