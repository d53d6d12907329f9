#include "multimodal/hub/pull_listing.h"

#include "tests/support/expect_error.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace beeld {
namespace {

std::string listing_of(const std::vector<std::string>& names) {
  nlohmann::json siblings = nlohmann::json::array();
  for (const auto& name : names) siblings.push_back({{"rfilename", name}, {"size", 1}});
  return nlohmann::json{{"siblings", siblings}}.dump();
}

std::vector<std::string> chosen(const std::vector<std::string>& names, const std::string& subfolder = "") {
  std::vector<std::string> result;
  for (const auto& file : read_listing(listing_of(names), {"o", "n", "", subfolder}).files)
    result.push_back(file.name);
  std::ranges::sort(result);
  return result;
}

using Names = std::vector<std::string>;

ErrorCode refused(const std::string& json) {
  try {
    read_listing(json, {"o", "n"});
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "accepted " << json;
  return ErrorCode::io;
}

TEST(PullListing, TakesAHuggingFaceCheckpoint) {
  EXPECT_EQ(chosen({".gitattributes", "README.md", "config.json", "flax_model.msgpack", "merges.txt",
                    "model.safetensors", "onnx/model.onnx", "preprocessor_config.json", "pytorch_model.bin",
                    "tf_model.h5", "tokenizer.json", "vocab.json"}),
            (Names{"config.json", "merges.txt", "model.safetensors", "preprocessor_config.json",
                   "tokenizer.json", "vocab.json"}));
}

TEST(PullListing, TakesShardsOnlyWithoutASingleFile) {
  EXPECT_EQ(chosen({"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json", "model-x.safetensors"}),
            (Names{"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                   "model.safetensors.index.json"}));
  EXPECT_EQ(chosen({"config.json", "model-00001-of-00002.safetensors", "model.safetensors",
                    "model.safetensors.index.json"}),
            (Names{"config.json", "model.safetensors"}));
}

TEST(PullListing, PrefersACompleteOpenClipSet) {
  EXPECT_EQ(chosen({"config.json", "model.safetensors", "open_clip_config.json",
                    "open_clip_model.safetensors", "tokenizer.json"}),
            (Names{"open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"}));
  EXPECT_EQ(
      chosen({"config.json", "model.safetensors", "open_clip_config.json", "open_clip_pytorch_model.bin"}),
      (Names{"config.json", "model.safetensors"}));
}

/// What sentence-transformers has published: the steps of a model of texts, and a CLIP as the only step.
TEST(PullListing, TakesTheStepsThatModulesAre) {
  EXPECT_EQ(chosen({".gitattributes", "README.md", "1_Pooling/config.json", "2_Dense/config.json",
                    "2_Dense/model.safetensors", "2_Dense/pytorch_model.bin", "config.json",
                    "config_sentence_transformers.json", "model.safetensors", "modules.json",
                    "onnx/config.json", "openvino/openvino_model.bin", "pytorch_model.bin",
                    "sentence_bert_config.json", "tokenizer_config.json", "vocab.txt"}),
            (Names{"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "config.json",
                   "config_sentence_transformers.json", "model.safetensors", "modules.json",
                   "sentence_bert_config.json", "tokenizer_config.json", "vocab.txt"}));
  const Names clip{"0_CLIPModel/config.json", "0_CLIPModel/merges.txt",
                   "0_CLIPModel/preprocessor_config.json", "0_CLIPModel/pytorch_model.bin", "modules.json"};
  EXPECT_EQ(chosen(clip), clip);
  EXPECT_EQ(chosen({"config.json", "model.safetensors", "modules.json", "x/1_Pooling/config.json",
                    "1_../config.json", "pool_1/config.json", "1/config.json"}),
            (Names{"config.json", "model.safetensors", "modules.json"}));
}

/// What openai/clip-vit-base-patch32 has on its main branch.
TEST(PullListing, TakesAPickleWhereNothingElseIsThere) {
  EXPECT_EQ(chosen({".gitattributes", "README.md", "config.json", "flax_model.msgpack", "merges.txt",
                    "preprocessor_config.json", "pytorch_model.bin", "special_tokens_map.json", "tf_model.h5",
                    "tokenizer.json", "tokenizer_config.json", "vocab.json"}),
            (Names{"config.json", "merges.txt", "preprocessor_config.json", "pytorch_model.bin",
                   "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"}));
  EXPECT_EQ(chosen({"config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin",
                    "pytorch_model.bin.index.json"}),
            (Names{"config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin",
                   "pytorch_model.bin.index.json"}));
  EXPECT_EQ(
      chosen({"config.json", "open_clip_config.json", "open_clip_pytorch_model.bin", "pytorch_model.bin"}),
      (Names{"open_clip_config.json", "open_clip_pytorch_model.bin"}));
  EXPECT_EQ(chosen({"ViT-B-32.pt", "merges.txt", "optimizer.pt"}), (Names{"ViT-B-32.pt", "merges.txt"}));
}

TEST(PullListing, LooksInTheSubfolderAlone) {
  const Names sentence_transformers{"0_CLIPModel/config.json",
                                    "0_CLIPModel/merges.txt",
                                    "0_CLIPModel/preprocessor_config.json",
                                    "0_CLIPModel/pytorch_model.bin",
                                    "0_CLIPModel/vocab.json",
                                    "README.md",
                                    "config_sentence_transformers.json",
                                    "modules.json"};
  EXPECT_EQ(
      chosen(sentence_transformers, "0_CLIPModel"),
      (Names{"config.json", "merges.txt", "preprocessor_config.json", "pytorch_model.bin", "vocab.json"}));
  Names unlisted = sentence_transformers;
  unlisted.pop_back();  // modules.json, which says that the folder belongs to the whole
  testing::expect_error(ErrorCode::not_found, "in a subfolder: hf:o/n/0_CLIPModel",
                        [&] { chosen(unlisted); });
  testing::expect_error(ErrorCode::not_found, "o/n/other", [&] { chosen(sentence_transformers, "other"); });
}

TEST(PullListing, WeightsComeLast) {
  std::vector<FileKind> kinds;
  const auto listing = listing_of(
      {"config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "preprocessor_config.json"});
  for (const auto& file : read_listing(listing, {"o", "n"}).files) kinds.push_back(file.kind);
  EXPECT_EQ(kinds, (std::vector{FileKind::configuration, FileKind::configuration, FileKind::tokenizer,
                                FileKind::tokenizer, FileKind::weights}));
}

TEST(PullListing, RefusesWhatIsNoCheckpoint) {
  EXPECT_EQ(refused(listing_of({"config.json", "a.bin", "b.bin"})), ErrorCode::not_found);
  EXPECT_EQ(refused(listing_of({"config.json", "training_args.bin"})), ErrorCode::not_found);
  EXPECT_EQ(refused(listing_of({"config.json", "a b?.bin"})), ErrorCode::not_found);
  EXPECT_EQ(refused(listing_of({"config.json", "../model.bin", "/model.bin"})), ErrorCode::not_found);
  EXPECT_EQ(refused(listing_of({"README.md"})), ErrorCode::not_found);
  EXPECT_EQ(refused(listing_of({"model.safetensors"})), ErrorCode::not_found);
  EXPECT_EQ(refused(listing_of({"../config.json", "/model.safetensors"})), ErrorCode::not_found);
}

TEST(PullListing, RefusesWhatIsNoListing) {
  EXPECT_EQ(refused("<html>"), ErrorCode::corrupt);
  EXPECT_EQ(refused("[]"), ErrorCode::corrupt);
  EXPECT_EQ(refused("{}"), ErrorCode::corrupt);
  EXPECT_EQ(refused(R"({"siblings":[1]})"), ErrorCode::corrupt);
  EXPECT_EQ(refused(R"({"siblings":[{"size":1}]})"), ErrorCode::corrupt);
  EXPECT_EQ(refused(R"({"siblings":[{"rfilename":"config.json"}]})"), ErrorCode::corrupt);
  EXPECT_EQ(refused(R"({"siblings":[{"rfilename":"config.json","size":-1}]})"), ErrorCode::corrupt);
}

TEST(PullListing, TrustsOnlyWellFormedHashes) {
  const auto listing = read_listing(
      R"({"sha":"../../x","siblings":[{"rfilename":"config.json","size":2,"blobId":"../x"},)"
      R"({"rfilename":"model.safetensors","size":3,"blobId":"0123456789012345678901234567890123456789",)"
      R"("lfs":{"sha256":"zz"}}]})",
      {"o", "n"});
  EXPECT_EQ(listing.revision, "main");
  for (const auto& file : listing.files) EXPECT_EQ(file.checksum(), "") << file.name;
}

}  // namespace
}  // namespace beeld
