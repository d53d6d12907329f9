#include <algorithm>

#include "core/base/files.h"
#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

/// The options that say how pictures are decoded.
class DecodeOptionsTest : public CommandTest {
 protected:
  Finished embed(const std::string& picture, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"embed", "--image", picture});
    return run(options);
  }

  std::string png_ = png_bytes(wave_picture(48, 40, 3));
};

TEST_F(DecodeOptionsTest, ADamagedPictureIsReadAndNamed) {
  const auto whole = add_file("pictures/whole.png", png_).string();
  const auto cut = add_file("pictures/cut.png", png_.substr(0, png_.size() - 20)).string();
  const auto finished = embed(cut);
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(finished.names("beeld: " + cut + ": truncated PNG; 4")) << finished.err;
  EXPECT_TRUE(finished.names(" of 40 rows came")) << finished.err;
  EXPECT_EQ(embed(whole).err, "");
  const auto refused = embed(cut, {"--refuse-damaged"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(refused.names("truncated PNG")) << refused.err;
}

TEST_F(DecodeOptionsTest, MaxPixelsIsTheLimit) {
  const auto picture = add_file("pictures/a.png", png_).string();
  EXPECT_TRUE(embed(picture, {"--max-pixels", "1919"}).names("48x40 pixels; at most 1919 are allowed"));
  EXPECT_EQ(embed(picture, {"--max-pixels", "1920"}).code, 0);
  EXPECT_EQ(embed(picture, {"--max-pixels", "2K"}).code, 0);
  EXPECT_EQ(embed(picture, {"--max-pixels", "many"}).code, 2);
}

TEST_F(DecodeOptionsTest, TransparencyIsComposedOnWhiteWhereThatIsAsked) {
  const auto picture = (source_folder() / "tests/vision/decode/pictures/type6_8bit.png").string();
  const auto as_stored = embed(picture), on_white = embed(picture, {"--on-white"});
  EXPECT_EQ(on_white.code, 0) << on_white.err;
  EXPECT_NE(as_stored.line()["embedding"], on_white.line()["embedding"]);
  const auto opaque = add_file("pictures/a.png", png_).string();
  EXPECT_EQ(embed(opaque).line()["embedding"], embed(opaque, {"--on-white", "--icc"}).line()["embedding"]);
}

}  // namespace beeld::testing
