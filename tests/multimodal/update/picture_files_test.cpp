#include "multimodal/update/picture_files.h"

#include <beeld/error.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace beeld::testing {

namespace fs = std::filesystem;

class PictureFilesTest : public ::testing::Test {
 protected:
  void file(const std::string& name) {
    const auto path = folder / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  }

  std::vector<std::string> names(const std::vector<fs::path>& folders) {
    std::vector<std::string> found;
    for (const auto& picture : find_picture_files(folders).files)
      found.push_back(fs::path(picture.path).lexically_relative(folder.path()).string());
    return found;
  }

  using Names = std::vector<std::string>;
  TemporaryFolder folder;
};

TEST_F(PictureFilesTest, FindsPicturesByExtensionInAnyCase) {
  for (const char* name :
       {"a.jpg", "b.JPEG", "c.WebP", "d.tiff", "d.MPO", "e.txt", "f", "g.jpg.bak", ".jpg", "h.", "i.mp4"})
    file(name);
  EXPECT_EQ(names({folder.path()}), (Names{"a.jpg", "b.JPEG", "c.WebP", "d.MPO", "d.tiff"}));
}

TEST_F(PictureFilesTest, SkipsHiddenFilesAndFoldersAndAppleDouble) {
  for (const char* name : {"._a.jpg", ".hidden.jpg", ".thumbnails/b.jpg", "c/.d/e.jpg", "c/f.jpg"})
    file(name);
  EXPECT_EQ(names({folder.path()}), (Names{"c/f.jpg"}));
}

TEST_F(PictureFilesTest, IsSortedBytewiseAndNamesEachFileOnce) {
  for (const char* name : {"b/a.jpg", "b.jpg", "b-c/a.jpg", "B.jpg", "a/z.jpg"}) file(name);
  EXPECT_EQ(names({folder / "b", folder.path(), folder.path() / "a" / "..", folder / "b.jpg"}),
            (Names{"B.jpg", "a/z.jpg", "b-c/a.jpg", "b.jpg", "b/a.jpg"}));
}

TEST_F(PictureFilesTest, FollowsLinksButNotInCircles) {
  file("real/a.jpg");
  file("outside/b.jpg");
  file("one.jpg");
  const auto root = folder / "real";
  fs::create_directory_symlink(root, root / "circle");
  fs::create_directory_symlink(folder / "outside", root / "linked");
  fs::create_directory_symlink(folder / "outside", root / "linked-again");
  fs::create_symlink(folder / "one.jpg", root / "one.jpg");
  fs::create_symlink(folder / "gone.jpg", root / "dangling.jpg");
  const auto found = find_picture_files({root});
  std::vector<std::string> paths;
  for (const auto& picture : found.files) paths.push_back(picture.path);
  EXPECT_EQ(paths, (Names{root / "a.jpg", root / "linked" / "b.jpg", root / "one.jpg"}));
  ASSERT_EQ(found.unreadable.size(), 1u);
  EXPECT_EQ(found.unreadable[0].path, root / "dangling.jpg");
}

TEST_F(PictureFilesTest, PrefersAFoldersOwnNameToALinkThatSortsFirst) {
  file("photos/a.jpg");
  fs::create_directory_symlink(folder / "photos", folder / "album");
  EXPECT_EQ(names({folder.path()}), (Names{"photos/a.jpg"}));
}

TEST_F(PictureFilesTest, SkipsWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo((folder / "pipe.jpg").c_str(), 0600), 0);
  fs::create_directory(folder / "folder.jpg");
  EXPECT_EQ(names({folder.path()}), Names{});
}

TEST_F(PictureFilesTest, RefusesAFolderThatDoesNotExist) {
  try {
    find_picture_files({folder / "nowhere"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST_F(PictureFilesTest, GoesDeepWithoutRecursion) {
  fs::path deep = folder.path();
  for (int i = 0; i < 900; ++i) deep /= "d";
  fs::create_directories(deep);
  std::ofstream(deep / "a.jpg") << "x";
  EXPECT_EQ(find_picture_files({folder.path()}).files.size(), 1u);
}

TEST_F(PictureFilesTest, EndsWhenCancelled) {
  file("a/b.jpg");
  const auto found = find_picture_files({folder.path()}, [] { return true; });
  EXPECT_TRUE(found.cancelled);
  EXPECT_TRUE(found.files.empty());
}

}  // namespace beeld::testing
