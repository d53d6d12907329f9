#include "multimodal/index/exclusion.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace beeld::testing {

TEST(Exclusion, ByNameOrByPathInTheFolder) {
  const auto covered = [](const std::string& pattern, const std::string& path) {
    return Exclusion({pattern}, {"/photos", "/more"}).covers(path);
  };
  EXPECT_TRUE(covered("*.png", "/photos/a.png"));
  EXPECT_TRUE(covered("*.png", "/more/2019/a.png"));
  EXPECT_FALSE(covered("*.png", "/photos/a.jpg"));
  EXPECT_TRUE(covered("thumbs", "/photos/thumbs"));
  EXPECT_TRUE(covered("thumbs/", "/photos/2019/thumbs/a.jpg")) << "with all that lies in it";
  EXPECT_FALSE(covered("thumbs", "/photos/thumbs2/a.jpg"));
  EXPECT_FALSE(covered("photos", "/photos/a.jpg")) << "the folder itself is asked for";
  EXPECT_FALSE(covered("*.png", "/elsewhere/a.png"));
  EXPECT_TRUE(covered("2019/raw*", "/photos/2019/raw 1/a.jpg"));
  EXPECT_FALSE(covered("2019/raw*", "/photos/x/2019/raw/a.jpg"));
  EXPECT_TRUE(covered("/a?.jpg", "/photos/a1.jpg"));
  EXPECT_FALSE(covered("/a?.jpg", "/photos/x/a1.jpg"));
  EXPECT_TRUE(covered("./a.jpg", "/photos/a.jpg"));
  EXPECT_TRUE(covered("*/a[0-9].jpg", "/photos/x/a1.jpg"));
}

TEST(Exclusion, WithoutPatternsNothingIsCovered) {
  EXPECT_FALSE(Exclusion().covers("/photos/a.jpg"));
  EXPECT_FALSE(Exclusion({}, {"/photos"}).covers("/photos/a.jpg"));
  EXPECT_TRUE(Exclusion({"*.png"}, {}).covers("/anywhere/a.png"));
  for (const char* empty : {"", "/"})
    expect_error(ErrorCode::invalid_argument, "expected a pattern", [&] { Exclusion({empty}, {"/photos"}); });
}

}  // namespace beeld::testing
