#include "cli/terminal/preview.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/pictures.h"

namespace beeld::cli {
namespace {

PreviewKind kind_in(const std::map<std::string, std::string>& environment) {
  return preview_of_terminal([&](const char* name) {
    const auto variable = environment.find(name);
    return variable == environment.end() ? std::string() : variable->second;
  });
}

TEST(Preview, TheEnvironmentTellsTheKind) {
  EXPECT_EQ(kind_in({{"TERM", "xterm-kitty"}}), PreviewKind::kitty);
  EXPECT_EQ(kind_in({{"TERM", "xterm-256color"}, {"KITTY_WINDOW_ID", "1"}}), PreviewKind::kitty);
  EXPECT_EQ(kind_in({{"TERM", "xterm-256color"}, {"TERM_PROGRAM", "iTerm.app"}}), PreviewKind::iterm);
  EXPECT_EQ(kind_in({{"TERM", "xterm-256color"}, {"TERM_PROGRAM", "WezTerm"}}), PreviewKind::iterm);
  EXPECT_EQ(kind_in({{"TERM", "foot"}}), PreviewKind::sixel);
  EXPECT_EQ(kind_in({{"TERM", "xterm-256color"}}), PreviewKind::none);
  EXPECT_EQ(kind_in({{"TERM", "screen"}, {"TERM_PROGRAM", "iTerm.app"}}), PreviewKind::none);
  EXPECT_EQ(kind_in({{"TERM", "xterm-kitty"}, {"TMUX", "/tmp/tmux,1,0"}}), PreviewKind::none);
  EXPECT_EQ(kind_in({}), PreviewKind::none);
}

Image plain(int width, int height, std::uint8_t red, std::uint8_t green) {
  Image image{width, height, PixelFormat::rgb, {}, {}};
  for (int i = 0; i < width * height; ++i) image.samples.insert(image.samples.end(), {red, green, 0});
  return image;
}

TEST(Preview, KittyGetsPixelsInPiecesOfFourKilobytes) {
  const auto text = preview_text(plain(40, 30, 255, 0), PreviewKind::kitty);  // 3600 bytes, 4800 letters
  EXPECT_TRUE(text.starts_with("\x1b_Ga=T,f=24,s=40,v=30,m=1;/wAA/wAA")) << text.substr(0, 60);
  const auto end = text.find("\x1b\\\x1b_Gm=0;");
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(end - text.find(';') - 1, 4096u);
  EXPECT_TRUE(text.ends_with("\x1b\\\n"));
}

TEST(Preview, SixelIsBandsOfSixRowsWithRunsShortened) {
  // Pure red is colour 5 * 36; two bands, the second of two rows.
  const auto text = preview_text(plain(10, 8, 255, 0), PreviewKind::sixel);
  EXPECT_TRUE(text.starts_with("\x1bPq\"1;1;10;8#0;2;0;0;0"));
  EXPECT_NE(text.find("#180;2;100;0;0"), std::string::npos);
  EXPECT_TRUE(text.ends_with("#180!10~$-#180!10B$-\x1b\\\n")) << text.substr(text.size() - 40);
}

TEST(Preview, ItermGetsAJpeg) {
  const auto text = preview_text(plain(40, 30, 0, 255), PreviewKind::iterm);
  EXPECT_TRUE(text.starts_with("\x1b]1337;File=inline=1;size="));
  EXPECT_NE(text.find(";width=40px;height=30px:/9j/"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\x07\n"));
  EXPECT_EQ(preview_text(plain(1, 1, 0, 0), PreviewKind::none), "");
}

}  // namespace
}  // namespace beeld::cli
