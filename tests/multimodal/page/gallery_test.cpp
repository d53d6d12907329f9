#include "multimodal/page/gallery.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/base/files.h"
#include "multimodal/page/duplicates_page.h"
#include "multimodal/page/gallery_text.h"
#include "multimodal/page/gallery_thumbnail.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

namespace fs = std::filesystem;

TEST(HtmlText, EscapesWhatHtmlReads) {
  EXPECT_EQ(html_text("<a href=\"x\">'&</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&lt;/a&gt;");
  EXPECT_EQ(html_text("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x95"),
            "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x95");
}

TEST(HtmlText, ReplacesWhatIsNoText) {
  const std::string u = "\xEF\xBF\xBD";
  EXPECT_EQ(html_text("a\x80z"), "a" + u + "z");
  EXPECT_EQ(html_text("\xc0\xaf"), u + u);                  // overlong
  EXPECT_EQ(html_text("\xed\xa0\x80"), u + u + u);          // surrogate
  EXPECT_EQ(html_text("\xf4\x90\x80\x80"), u + u + u + u);  // beyond U+10FFFF
  EXPECT_EQ(html_text("\xe2\x82"), u + u);                  // cut off
  EXPECT_EQ(html_text(std::string("\0\n\x7f\xc2\x85", 5)), u + u + u + u);
}

TEST(Base64, KnowsTheVectorsOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

class GalleryTest : public ::testing::Test {
 protected:
  fs::path picture(const std::string& name, int width, int height) {
    std::string content = "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        content += {static_cast<char>(x * 255 / width), static_cast<char>(y * 255 / height), '\x40'};
    std::ofstream(folder / name, std::ios::binary) << content;
    return folder / name;
  }

  std::string write(const std::vector<GallerySection>& sections) {
    write_gallery(folder / "page.html", sections);
    return read_file(folder / "page.html", 10'000'000);
  }

  static std::size_t count(const std::string& page, const std::string& part) {
    std::size_t number = 0;
    for (auto at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) ++number;
    return number;
  }

  TemporaryFolder folder;
};

TEST_F(GalleryTest, AThumbnailIsASmallJpegOfTheSamePicture) {
  const auto thumbnail = make_thumbnail(picture("a.ppm", 1000, 500));
  EXPECT_EQ(thumbnail.width, 512);
  EXPECT_EQ(thumbnail.height, 256);
  const auto image =
      decode_image({reinterpret_cast<const std::uint8_t*>(thumbnail.jpeg.data()), thumbnail.jpeg.size()});
  ASSERT_EQ(image.width, 512);
  ASSERT_EQ(image.height, 256);
  const auto* middle = &image.samples[(128 * 512 + 384) * 3];
  EXPECT_NEAR(middle[0], 191, 4);
  EXPECT_NEAR(middle[1], 127, 4);
  EXPECT_NEAR(middle[2], 64, 6);
}

TEST_F(GalleryTest, AThumbnailIsNeverEnlargedAndKeepsExtremeShapes) {
  const auto small = make_thumbnail(picture("small.ppm", 10, 20));
  EXPECT_EQ(small.width, 10);
  EXPECT_EQ(small.height, 20);
  const auto wide = make_thumbnail(picture("wide.ppm", 6000, 2));
  EXPECT_EQ(wide.width, 640);
  EXPECT_EQ(wide.height, 1);
}

TEST_F(GalleryTest, ShowsSectionsInRankedOrder) {
  const auto a = picture("a.ppm", 40, 30);
  const auto b = picture("b.ppm", 30, 40);
  const auto page = write({{"two dogs", {{b, 0.31F}, {a, 0.2999F}}}, {"nothing", {}}});
  EXPECT_EQ(count(page, "<section>"), 2u);
  EXPECT_EQ(count(page, "src=\"data:image/jpeg;base64,/9j/"), 2u);
  EXPECT_LT(page.find("b.ppm"), page.find("a.ppm"));
  for (const char* part : {"two dogs", "0.310", "0.300", "2 pictures", "No pictures."})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST_F(GalleryTest, CardsLinkToThePictureAndShowItsFolder) {
  fs::create_directories(folder / "day 1");
  const auto name = picture("day 1/a\"b&c.ppm", 4, 4);
  const auto page = write({{"x", {{name, 0.3F}}}});
  EXPECT_EQ(file_address("/a b/\xc3\xa9\"<'%.jpg"), "file:///a%20b/%C3%A9%22%3C%27%25.jpg");
  EXPECT_NE(page.find("<a href=\"" + file_address(name) + "\">"), std::string::npos);
  EXPECT_NE(page.find("<small><bdi>" + (folder / "day 1").string() + "</bdi></small>"), std::string::npos);
  const auto before = fs::current_path();
  fs::current_path(folder.path());
  EXPECT_EQ(shown_folder(name), "day 1");
  EXPECT_EQ(shown_folder("x.jpg"), "");
  fs::current_path(before);
}

TEST(BestCopy, HasMostPixelsThenTheLargestFileThenComesFirst) {
  EXPECT_EQ(best_copy({{100, 9}, {400, 1}, {0, 99}}), 1u);
  EXPECT_EQ(best_copy({{100, 9}, {100, 10}, {100, 10}}), 1u);
  EXPECT_EQ(best_copy({{0, 0}}), 0u);
}

TEST_F(GalleryTest, CopiesStandSideBySideAndTheBestIsMarked) {
  const auto small = picture("small.ppm", 100, 50), large = picture("large.ppm", 1000, 500);
  std::ofstream(folder / "<b>.jpg") << "damaged";
  write_duplicates(folder / "copies.html", {{{small, large, folder / "<b>.jpg"}, 0.97F}});
  const auto page = read_file(folder / "copies.html", 10'000'000);
  for (const char* part : {"3 copies", "similarity 0.9700", "100 x 50, 15.0 kB", "1000 x 500, 1.5 MB"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_EQ(count(page, "<figure class=\"best\">"), 1u);
  EXPECT_LT(page.find("<figure class=\"best\">"), page.find("large.ppm"));
  EXPECT_LT(page.find("small.ppm"), page.find("<figure class=\"best\">"));
  EXPECT_EQ(count(page, "class=\"none\""), 1u);
  EXPECT_EQ(page.find("<b>.jpg"), std::string::npos);
}

TEST_F(GalleryTest, NeedsNothingElseAndRunsNothing) {
  const auto page = write({{"x", {{picture("a.ppm", 40, 30), 0.3F}}}});
  for (const char* part : {"<script", "http://", "https://", "<link", "@import", "url("})
    EXPECT_EQ(page.find(part), std::string::npos) << part;
}

TEST_F(GalleryTest, HostileNamesAndTitlesAreHarmless) {
  const auto name = picture("\"><img src=x onerror=alert(1)>\n\xff.ppm", 4, 4);
  const auto page = write({{"<script>alert(1)</script>", {{name, 1}, {folder / "<b>gone</b>.jpg", 0.5F}}}});
  for (const char* part : {"<script", "<img src=x", "<b>gone", "\xff"})
    EXPECT_EQ(page.find(part), std::string::npos) << part;
}

TEST_F(GalleryTest, APictureThatCannotBeReadLeavesAPlaceholder) {
  std::ofstream(folder / "bad.jpg") << "not a picture";
  const auto page = write({{"x", {{folder / "bad.jpg", 0.3F}, {folder / "gone.jpg", NAN}}}});
  EXPECT_EQ(count(page, "class=\"none\""), 2u);
  EXPECT_EQ(count(page, "<figure"), 2u);
}

TEST_F(GalleryTest, SaysWhereItCannotWrite) {
  try {
    write_gallery(folder / "no" / "page.html", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
  }
}

}  // namespace beeld::testing
