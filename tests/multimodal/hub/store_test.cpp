#include "multimodal/data/own_data.h"
#include "multimodal/hub/store_names.h"
#include "tests/support/expect_error.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"

#include <beeld/error.h>
#include <beeld/store.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace beeld {
namespace {

class Store : public ::testing::Test {
 protected:
  Store() { ::setenv("BEELD_STORE", folder_.path().c_str(), 1); }
  ~Store() override { ::unsetenv("BEELD_STORE"); }

  testing::TemporaryFolder folder_;
};

TEST_F(Store, FolderFollowsTheEnvironment) {
  EXPECT_EQ(store_folder(), folder_.path());
  ::unsetenv("BEELD_STORE");
  ::setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(store_folder(), "/data/beeld/models");
  ::unsetenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  ASSERT_NE(home, nullptr);
  EXPECT_EQ(store_folder(), std::filesystem::path(home) / ".local/share/beeld/models");
}

TEST_F(Store, ListsCompleteCheckpointsSorted) {
  EXPECT_TRUE(stored_models().empty());
  for (const auto* name : {"b/two", "a/x.y_z-1", ".staging/a/half"}) {
    std::filesystem::create_directories(folder_ / name);
  }
  std::ofstream(folder_ / "a" / "file") << "not a folder";
  std::ofstream(folder_ / "stray") << "not a folder";
  EXPECT_EQ(stored_models(), (std::vector<std::string>{"a/x.y_z-1", "b/two"}));
}

TEST_F(Store, ResolvesFoldersNamesAndHubNames) {
  std::filesystem::create_directories(folder_ / "owner/name");
  EXPECT_EQ(resolve_model("owner/name"), folder_ / "owner/name");
  EXPECT_EQ(resolve_model("hf:owner/name"), folder_ / "owner/name");
  EXPECT_EQ(resolve_model(folder_.path().string()), folder_.path());
  std::ofstream(folder_ / "ViT-B-32.pt") << "weights";
  EXPECT_EQ(resolve_model((folder_ / "ViT-B-32.pt").string()), folder_ / "ViT-B-32.pt");
}

TEST_F(Store, SaysWhatToDoAboutAnUnknownModel) {
  const auto message = [](const std::string& reference, ErrorCode code) -> std::string {
    try {
      resolve_model(reference);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << reference;
      return error.what();
    }
    ADD_FAILURE() << reference;
    return "";
  };
  EXPECT_NE(message("owner/absent", ErrorCode::not_found).find("beeld pull hf:owner/absent"),
            std::string::npos);
  EXPECT_NE(message("hf:owner/absent", ErrorCode::not_found).find("beeld pull"), std::string::npos);
  EXPECT_NE(message("absent", ErrorCode::not_found).find("beeld models"), std::string::npos);
  message("hf:../absent", ErrorCode::invalid_argument);
  message("../absent/folder", ErrorCode::not_found);
  message("", ErrorCode::not_found);
}

TEST(HubNameTest, AcceptsOnlySafeNames) {
  const auto name = parse_hub_name("hf:openai/clip-vit-base-patch32");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->owner, "openai");
  EXPECT_EQ(name->name, "clip-vit-base-patch32");
  for (const auto& reference :
       {std::string("a"), std::string("/a"), std::string("a/"), std::string("a/b@"), std::string("a/b@/c"),
        std::string("a/b@refs/pr"), std::string("a/b@v1//c"), std::string("a/b/../c"),
        std::string("a/b@x%2F..%2Fy"), std::string("a/b/c/"), std::string("../b"), std::string("a/.."),
        std::string("a/.b"), std::string("a/b..c"), std::string("a/b c"), std::string("a/b?c"),
        std::string("a/b\0c", 5), std::string("a/\xc3\xa9"), "a/" + std::string(97, 'b')}) {
    EXPECT_FALSE(parse_hub_name(reference)) << reference;
  }
}

TEST(HubNameTest, HasARevisionAndASubfolder) {
  struct Case {
    std::string text, revision, subfolder, folder;
  };
  for (const auto& [text, revision, subfolder, folder] :
       {Case{"a/b", "", "", "b"}, Case{"a/b/c/d", "", "c/d", "b+c+d"}, Case{"a/b@v1", "v1", "", "b@v1"},
        Case{"a/b@v1/c", "v1", "c", "b@v1+c"}, Case{"a/b@refs/pr/15", "refs/pr/15", "", "b@refs+pr+15"},
        Case{"a/b@refs/pr/15/c/d", "refs/pr/15", "c/d", "b@refs+pr+15+c+d"},
        Case{"a/b@new%2Fidea/c", "new/idea", "c", "b@new%2Fidea+c"}}) {
    const auto name = parse_hub_name("hf:" + text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->revision, revision) << text;
    EXPECT_EQ(name->subfolder, subfolder) << text;
    EXPECT_EQ(name->text(), text);
    EXPECT_EQ(stored_folder("s", *name), "s/a/" + folder);
    const auto stored = stored_name("a", folder);
    ASSERT_TRUE(stored) << folder;
    EXPECT_EQ(stored->text(), text);
  }
  EXPECT_EQ(parse_hub_name("a/b@main/c")->text(), "a/b/c") << "the same checkpoint has one name";
}

TEST_F(Store, TheDefaultModelIsTheOneOfTheEnvironment) {
  std::filesystem::create_directories(folder_ / "owner/name");
  ::setenv("BEELD_MODEL", "owner/name", 1);
  EXPECT_EQ(default_model_folder(), folder_ / "owner/name");
  ::setenv("BEELD_MODEL", "owner/other", 1);
  testing::expect_error(ErrorCode::not_found, "beeld pull hf:owner/other", [&] { default_model_folder(); });
  ::unsetenv("BEELD_MODEL");
}

TEST_F(Store, AModelIsCalledByItsReference) {
  for (const auto* name : {"owner/name", "owner/name@refs+pr+15"})
    std::filesystem::create_directories(folder_ / name);
  EXPECT_EQ(model_reference(folder_ / "owner/name"), "owner/name");
  EXPECT_EQ(model_reference(folder_ / "owner/name/"), "owner/name");
  EXPECT_EQ(model_reference(folder_ / "owner/name@refs+pr+15"), "owner/name@refs/pr/15");
  EXPECT_EQ(model_reference(own_model(own_data_folders())), "the model that comes with beeld");
  std::filesystem::create_directories(folder_ / "elsewhere/a/model");
  EXPECT_EQ(model_reference(folder_ / "elsewhere/a/model"), folder_ / "elsewhere/a/model");
  ::setenv("BEELD_STORE", "/nowhere", 1);
  EXPECT_EQ(model_reference(folder_ / "owner/name"), folder_ / "owner/name");
}

TEST_F(Store, ItsOwnModelIsTheFirstThatIsThere) {
  const std::vector<std::filesystem::path> folders = {folder_ / "none", folder_ / "empty", folder_ / "first",
                                                      folder_ / "second"};
  for (const auto* name : {"empty", "first", "second"})
    std::filesystem::create_directories(folder_ / name / "model");
  for (const auto* name : {"first", "second"})
    std::ofstream(folder_ / name / "model" / "config.json") << "{}";
  EXPECT_EQ(own_model(folders), folder_ / "first" / "model");
}

TEST_F(Store, WithoutItsOwnModelTheMessageSaysWhatToDo) {
  try {
    own_model({folder_ / "none", folder_ / "other"});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    const std::string message = error.what();
    for (const auto& part : {(folder_ / "none/model").string(), (folder_ / "other/model").string(),
                             std::string("--model"), std::string("BEELD_MODEL"), std::string("beeld pull")})
      EXPECT_NE(message.find(part), std::string::npos) << message;
  }
}

TEST(OwnData, ThisBuildTreeFindsItsSourceTree) {
  const std::filesystem::path data = beeld::testing::source_folder() / "data";
  EXPECT_EQ(own_data_folders().at(1), data);
  EXPECT_EQ(find_own_data("words.txt"), data / "words.txt");
  EXPECT_EQ(find_own_data("no such file"), std::nullopt);
}

}  // namespace
}  // namespace beeld
