#include "multimodal/update/folder_watch.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/multimodal/index/index_fixture.h"
#include "tests/support/expect_error.h"

namespace beeld::testing {

namespace fs = std::filesystem;

class FolderWatchTest : public ::testing::Test {
 protected:
  FolderWatchTest() {
    fs::create_directories(root / "a/deep");
    fs::create_directories(root / "b");
    write_picture(root / "a/one.ppm", {1, 2, 3});
  }

  std::vector<std::string> changed(FolderWatch& watch) const {
    std::vector<std::string> names;
    for (const auto& path : watch.wait(std::chrono::milliseconds(60), {}))
      names.push_back(path.lexically_relative(root).string());
    return names;
  }

  using Names = std::vector<std::string>;

  TemporaryFolder folder;
  fs::path root = folder / "photos";
};

TEST_F(FolderWatchTest, NamesTheFoldersThatChanged) {
  FolderWatch watch({root});
  write_picture(root / "a/deep/two.ppm", {4, 5, 6});
  EXPECT_EQ(changed(watch), (Names{"a/deep"}));
  fs::rename(root / "a/one.ppm", root / "b/one.ppm");
  EXPECT_EQ(changed(watch), (Names{"a", "b"}));
  fs::remove(root / "b/one.ppm");
  EXPECT_EQ(changed(watch), (Names{"b"}));
  fs::permissions(root / "a/deep/two.ppm", fs::perms::owner_read);
  EXPECT_EQ(changed(watch), (Names{"a/deep"}));
}

TEST_F(FolderWatchTest, FollowsFoldersThatAreMadeMovedAndRemoved) {
  FolderWatch watch({root});
  fs::create_directories(root / "new/inner");
  EXPECT_EQ(changed(watch), (Names{"."}));
  write_picture(root / "new/inner/x.ppm", {1, 1, 1});
  EXPECT_EQ(changed(watch), (Names{"new/inner"}));
  fs::rename(root / "new", root / "b/moved");
  EXPECT_EQ(changed(watch), (Names{"."}));
  write_picture(root / "b/moved/inner/y.ppm", {1, 1, 1});
  EXPECT_EQ(changed(watch), (Names{"b/moved/inner"}));
  fs::rename(root / "b/moved", folder / "outside");
  EXPECT_EQ(changed(watch), (Names{"b"}));
  write_picture(folder / "outside/z.ppm", {1, 1, 1});
  fs::remove_all(root / "a");
  EXPECT_EQ(changed(watch), (Names{"."}));
}

TEST_F(FolderWatchTest, IgnoresWhatIsNoPicture) {
  FolderWatch watch({root});
  for (const char* name : {"a/.beeld.db", "a/notes.txt", "a/.hidden.ppm"}) write_file(root / name, "x");
  write_picture(root / "b/x.ppm", {1, 1, 1});
  EXPECT_EQ(changed(watch), (Names{"b"}));
}

TEST_F(FolderWatchTest, KnowsWhichFilesAreBeingWritten) {
  FolderWatch watch({root});
  std::ofstream half(root / "a/half.ppm");
  half << "P6 1 1 255\n" << std::flush;
  write_picture(root / "a/whole.ppm", {1, 1, 1});
  EXPECT_EQ(changed(watch), (Names{"a"}));
  EXPECT_TRUE(watch.is_being_written(root / "a/half.ppm"));
  EXPECT_FALSE(watch.is_being_written(root / "a/whole.ppm"));
  half << "abc" << std::flush;
  half.close();
  EXPECT_EQ(changed(watch), (Names{"a"}));
  EXPECT_FALSE(watch.is_being_written(root / "a/half.ppm"));
}

TEST_F(FolderWatchTest, EndsWhenItIsCancelled) {
  FolderWatch watch({root});
  int asked = 0;
  EXPECT_TRUE(watch.wait(std::chrono::milliseconds(10), [&] { return ++asked > 2; }).empty());
  expect_error(ErrorCode::not_found, "absent", [&] { FolderWatch absent({root / "absent"}); });
}

}  // namespace beeld::testing
