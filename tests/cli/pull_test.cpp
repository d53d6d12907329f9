// The first command that a new user types, against a hub on this machine.
#include <beeld/model.h>

#include "core/base/files.h"
#include "tests/cli/command.h"
#include "tests/support/local_hub.h"
#include "tests/support/torch_files.h"

namespace beeld::testing {

class PullCommandTest : public CommandTest {
 protected:
  /// The tiny checkpoint under the names that openai/clip-vit-base-patch32 has on its main branch.
  PullCommandTest() {
    for (const auto* name :
         {"config.json", "preprocessor_config.json", "vocab.json", "merges.txt", "tokenizer_config.json"}) {
      hub_.files[name] = read_file(model_ / name, 1u << 24);
    }
    write_torch(folder_ / "pytorch_model.bin", read_tensors(model_ / "model.safetensors"));
    hub_.files["pytorch_model.bin"] = read_file(folder_ / "pytorch_model.bin", 1u << 24);
    hub_.files["special_tokens_map.json"] = "{}";
    for (const auto* name : {"tf_model.h5", "flax_model.msgpack", "README.md", ".gitattributes"})
      hub_.files[name] = std::string(1000, 'x');
    hub_.repository = "openai/clip-vit-base-patch32";
    environment_["HF_ENDPOINT"] = server_.url();
  }

  LocalHub hub_;
  HttpServer server_{[this](const HttpRequestSeen& request) { return hub_.answer(request); }};
};

TEST_F(PullCommandTest, FetchesThePickledWeightsOfTheReadme) {
  const auto pulled = run_plain({"pull", "hf:openai/clip-vit-base-patch32"});
  ASSERT_EQ(pulled.code, 0) << pulled.err;
  EXPECT_EQ(pulled.out, (folder_ / "store/openai/clip-vit-base-patch32").string() + "\n");
  EXPECT_TRUE(pulled.names("newer transformers resize by torchvision")) << pulled.err;
  for (const auto& request : server_.requests()) {
    for (const auto* name : {"tf_model", "flax_model", "README", "gitattributes"})
      EXPECT_EQ(request.path.find(name), std::string::npos) << request.path;
  }
  const std::vector<std::string> embed{"embed", "--text", "two dogs", "--json", "--model"};
  const auto embedded = [&](const std::string& model) {
    auto arguments = embed;
    arguments.push_back(model);
    return run_plain(arguments).line()["embedding"];
  };
  EXPECT_EQ(embedded(model_.string()).size(), 24U);
  EXPECT_EQ(embedded("openai/clip-vit-base-patch32"), embedded(model_.string()));
}

TEST_F(PullCommandTest, RevisionsLieSideBySide) {
  ASSERT_EQ(run_plain({"pull", "hf:openai/clip-vit-base-patch32"}).code, 0);
  hub_.files.erase("pytorch_model.bin");
  hub_.files["model.safetensors"] = read_file(model_ / "model.safetensors", 1u << 24);
  hub_.revision = "refs%2Fpr%2F15";
  const std::string reference = "hf:openai/clip-vit-base-patch32@refs/pr/15";
  EXPECT_TRUE(run_plain({"info", reference}).names("beeld pull " + reference));
  ASSERT_EQ(run_plain({"pull", reference}).code, 0);
  EXPECT_EQ(run_plain({"info", reference}).code, 0);
  EXPECT_EQ(run_plain({"models"}).out,
            "openai/clip-vit-base-patch32\nopenai/clip-vit-base-patch32@refs/pr/15\n");
  const auto lines = run_plain({"models", "--json"}).lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(std::filesystem::is_directory(lines[1]["path"].get<std::string>())) << lines[1];
}

TEST_F(PullCommandTest, ModelsThatAreKnownAreListedByName) {
  const auto listed = run_plain({"models", "--known"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  for (const auto* part :
       {"openai/clip-vit-base-patch32 ", "  151.28 M", "  clip/public\n", "lacks quick_gelu"})
    EXPECT_NE(listed.out.find(part), std::string::npos) << part;
  const auto lines = run_plain({"models", "--known", "--json"}).lines();
  ASSERT_GE(lines.size(), 40U);
  EXPECT_EQ(lines[0]["name"], "openai/clip-vit-base-patch32");
  EXPECT_EQ(lines[0]["family"], "CLIP");
  EXPECT_EQ(lines[0]["reference"], "clip/public");
}

TEST_F(PullCommandTest, ARefusalComesBeforeTheWeights) {
  auto config = nlohmann::json::parse(hub_.files["config.json"]);
  config["vision_config"]["new_setting"] = 1;
  hub_.files["config.json"] = config.dump();
  const auto pulled = run_plain({"pull", "hf:openai/clip-vit-base-patch32"});
  EXPECT_EQ(pulled.code, 2);
  EXPECT_TRUE(pulled.names("new_setting")) << pulled.err;
  EXPECT_TRUE(pulled.names("its weights were not fetched")) << pulled.err;
  for (const auto& request : server_.requests())
    EXPECT_EQ(request.path.find("pytorch_model"), std::string::npos) << request.path;
}

}  // namespace beeld::testing
