// Checkpoints whose weights torch has pickled, against the same weights as safetensors.

#include <beeld/image.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/torch_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using testing::StoredTensors;
using testing::TorchForm;

std::vector<float> text_embeddings(const fs::path& model) {
  return Model::load(model).encode_texts(std::vector<std::string>{"a dog", "snow"}).values;
}

class PickledLayouts : public ::testing::Test {
 protected:
  PickledLayouts() {
    testing::write_tiny_model(original);
    weights = testing::read_tensors(original / "model.safetensors");
    expected = text_embeddings(original);
    fs::copy(original, other);
    fs::remove(other / "model.safetensors");
  }

  testing::TemporaryFolder folder;
  fs::path original = folder / "original", other = folder / "other";
  StoredTensors weights;
  std::vector<float> expected;
};

TEST_F(PickledLayouts, EveryFormGivesTheSame) {
  for (const auto form :
       {TorchForm::archive, TorchForm::archive_zip64, TorchForm::stream, TorchForm::script}) {
    testing::write_torch(other / "pytorch_model.bin", weights, DType::f32, form);
    EXPECT_EQ(text_embeddings(other), expected);
  }
}

TEST_F(PickledLayouts, ShardsGiveTheSame) {
  StoredTensors first, second;
  nlohmann::json map;
  for (const auto& [name, tensor] : weights) {
    const bool even = (map.size() % 2) == 0;
    (even ? first : second)[name] = tensor;
    map[name] = even ? "pytorch_model-00001-of-00002.bin" : "pytorch_model-00002-of-00002.bin";
  }
  testing::write_torch(other / "pytorch_model-00001-of-00002.bin", first);
  testing::write_torch(other / "pytorch_model-00002-of-00002.bin", second);
  write_file_atomically(other / "pytorch_model.bin.index.json", nlohmann::json{{"weight_map", map}}.dump());
  EXPECT_EQ(text_embeddings(other), expected);
}

TEST_F(PickledLayouts, OneFileOfAnyNameWillDo) {
  StoredTensors parallel;
  for (const auto& [name, tensor] : weights) parallel["module." + name] = tensor;
  testing::write_torch(other / "epoch_3.pt", parallel);
  EXPECT_EQ(text_embeddings(other), expected);
}

TEST_F(PickledLayouts, WeightsAreInTheFingerprint) {
  testing::write_torch(other / "pytorch_model.bin", weights);
  const auto fingerprint = Model::load(other).info().fingerprint;
  weights.begin()->second.values[0] += 1;
  testing::write_torch(other / "pytorch_model.bin", weights);
  EXPECT_NE(Model::load(other).info().fingerprint, fingerprint);
}

TEST_F(PickledLayouts, AWrongFileIsNamed) {
  weights.erase("text_projection.weight");
  testing::write_torch(other / "pytorch_model.bin", weights);
  testing::expect_error(ErrorCode::corrupt, "pytorch_model.bin: text_projection.weight should be",
                        [&] { Model::load(other); });
}

/// Weights under OpenAI's names, of one layer and one head a tower.
StoredTensors openai_weights() {
  StoredTensors weights;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    weights[name] = testing::random_stored(std::move(shape), weights.size() + 1);
  };
  const auto add_block = [&](const std::string& prefix) {
    const auto block = prefix + "transformer.resblocks.0.";
    for (const auto* norm : {"ln_1.", "ln_2."}) {
      add(block + norm + "weight", {64});
      add(block + norm + "bias", {64});
    }
    add(block + "attn.in_proj_weight", {192, 64});
    add(block + "attn.in_proj_bias", {192});
    add(block + "attn.out_proj.weight", {64, 64});
    add(block + "attn.out_proj.bias", {64});
    add(block + "mlp.c_fc.weight", {256, 64});
    add(block + "mlp.c_fc.bias", {256});
    add(block + "mlp.c_proj.weight", {64, 256});
    add(block + "mlp.c_proj.bias", {64});
  };
  for (const auto* norm : {"visual.ln_pre.", "visual.ln_post.", "ln_final."}) {
    add(norm + std::string("weight"), {64});
    add(norm + std::string("bias"), {64});
  }
  add("visual.conv1.weight", {64, 3, 8, 8});
  add("visual.class_embedding", {64});
  add("visual.positional_embedding", {5, 64});
  add("visual.proj", {64, 32});
  add("token_embedding.weight", {testing::tiny_end_id() + 1, 64});
  add("positional_embedding", {16, 64});
  add("text_projection", {64, 32});
  add("logit_scale", {});
  add_block("visual.");
  add_block("");
  return weights;
}

/// A scripted module as OpenAI's releases are, with the sizes that they hold besides.
void write_openai(const fs::path& file, const StoredTensors& weights) {
  std::map<std::string, std::vector<std::byte>> bytes;
  std::map<std::string, TensorData, std::less<>> data;
  for (const auto& [name, tensor] : weights) {
    bytes[name] = testing::stored_bytes(tensor, DType::f32);
    data[name] = {DType::f32, tensor.shape, bytes[name]};
  }
  const std::vector<std::byte> number(8);
  for (const auto* name : {"input_resolution", "context_length", "vocab_size"})
    data[name] = {DType::i64, {}, number};
  write_file_atomically(file, testing::torch_bytes(data, TorchForm::script));
}

Matrix picture_embeddings(const fs::path& path) {
  const auto model = Model::load(path);
  Image picture{.width = 20, .height = 17, .samples = {}, .palette = {}};
  for (int i = 0; i < 20 * 17 * 3; ++i) picture.samples.push_back(static_cast<std::uint8_t>(i * 7));
  return model.encode_images(std::vector<Image>{picture});
}

TEST(OpenaiArchive, NeedsNoConfiguration) {
  const testing::TemporaryFolder folder;
  const auto archive = folder / "archive", plain = folder / "plain";
  for (const auto& path : {archive, plain}) {
    fs::create_directory(path);
    testing::write_tiny_tokenizer(path);
  }
  const auto weights = openai_weights();
  write_openai(archive / "ViT-B-8.pt", weights);
  testing::write_tensors(plain / "open_clip_model.safetensors", weights);
  const nlohmann::json vision = {{"image_size", 16}, {"layers", 1}, {"width", 64}, {"patch_size", 8}};
  const nlohmann::json text = {{"context_length", 16},
                               {"vocab_size", testing::tiny_end_id() + 1},
                               {"width", 64},
                               {"heads", 1},
                               {"layers", 1}};
  const nlohmann::json model = {
      {"embed_dim", 32}, {"quick_gelu", true}, {"vision_cfg", vision}, {"text_cfg", text}};
  write_file_atomically(plain / "open_clip_config.json", nlohmann::json{{"model_cfg", model}}.dump());
  for (const auto& path : {archive, archive / "ViT-B-8.pt"}) {
    EXPECT_EQ(text_embeddings(path), text_embeddings(plain));
    EXPECT_EQ(picture_embeddings(path).values, picture_embeddings(plain).values);
    EXPECT_EQ(Model::load(path).info().family, "OpenAI CLIP");
    EXPECT_EQ(Model::load(path).info().name, path.filename().string());
  }
  // OpenCLIP's own checkpoints have the same names, but not the sizes, and need their configuration.
  testing::write_torch(archive / "ViT-B-8.pt", weights, DType::f32, TorchForm::script);
  testing::expect_error(ErrorCode::not_found, "config.json", [&] { Model::load(archive); });
  auto damaged = weights;
  damaged["visual.conv1.weight"] = testing::random_stored({64}, 1);
  write_openai(archive / "ViT-B-8.pt", damaged);
  testing::expect_error(ErrorCode::corrupt,
                        "ViT-B-8.pt: expected a tensor visual.conv1.weight of 4 dimensions",
                        [&] { Model::load(archive); });
}

/// The same texts, and a ResNet of one block a stage.
StoredTensors openai_resnet_weights() {
  auto weights = openai_weights();
  std::erase_if(weights, [](const auto& each) { return each.first.starts_with("visual."); });
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    weights[name] = testing::random_stored(std::move(shape), weights.size() + 1);
  };
  const auto add_convolution = [&](const std::string& name, const std::string& norm,
                                   const std::vector<std::int64_t>& shape) {
    add(name + ".weight", shape);
    for (const auto* part : {".weight", ".bias", ".running_mean", ".running_var"})
      add(norm + part, {shape[0]});
    for (auto& variance : weights[norm + ".running_var"].values) variance = std::abs(variance) + 1;
  };
  const std::string visual = "visual.";
  add_convolution(visual + "conv1", visual + "bn1", {2, 3, 3, 3});
  add_convolution(visual + "conv2", visual + "bn2", {2, 2, 3, 3});
  add_convolution(visual + "conv3", visual + "bn3", {4, 2, 3, 3});
  for (std::int64_t stage = 1, width = 4, inputs = 4; stage <= 4; ++stage, width *= 2) {
    const auto block = visual + "layer" + std::to_string(stage) + ".0.";
    add_convolution(block + "conv1", block + "bn1", {width, inputs, 1, 1});
    add_convolution(block + "conv2", block + "bn2", {width, width, 3, 3});
    add_convolution(block + "conv3", block + "bn3", {4 * width, width, 1, 1});
    add_convolution(block + "downsample.0", block + "downsample.1", {4 * width, inputs, 1, 1});
    inputs = 4 * width;
  }
  for (const auto* part : {"q_proj", "k_proj", "v_proj", "c_proj"}) {
    const std::int64_t outputs = std::string(part) == "c_proj" ? 32 : 128;
    add(visual + "attnpool." + part + ".weight", {outputs, 128});
    add(visual + "attnpool." + part + ".bias", {outputs});
  }
  add(visual + "attnpool.positional_embedding", {5, 128});
  return weights;
}

TEST(OpenaiArchive, OfAResNetNeedsNoneEither) {
  const testing::TemporaryFolder folder;
  const auto archive = folder / "archive", plain = folder / "plain";
  for (const auto& path : {archive, plain}) {
    fs::create_directory(path);
    testing::write_tiny_tokenizer(path);
  }
  const auto weights = openai_resnet_weights();
  write_openai(archive / "RN5.pt", weights);
  testing::write_tensors(plain / "open_clip_model.safetensors", weights);
  const nlohmann::json vision = {
      {"image_size", 64}, {"layers", {1, 1, 1, 1}}, {"width", 4}, {"patch_size", nullptr}};
  const nlohmann::json text = {{"context_length", 16},
                               {"vocab_size", testing::tiny_end_id() + 1},
                               {"width", 64},
                               {"heads", 1},
                               {"layers", 1}};
  const nlohmann::json model = {
      {"embed_dim", 32}, {"quick_gelu", true}, {"vision_cfg", vision}, {"text_cfg", text}};
  write_file_atomically(plain / "open_clip_config.json", nlohmann::json{{"model_cfg", model}}.dump());
  EXPECT_EQ(Model::load(archive).info().family, "OpenAI CLIP");
  EXPECT_EQ(Model::load(archive).info().image_size, 64);
  EXPECT_EQ(text_embeddings(archive), text_embeddings(plain));
  EXPECT_EQ(picture_embeddings(archive).values, picture_embeddings(plain).values);
  auto damaged = weights;
  damaged.erase("visual.layer3.0.conv1.weight");
  write_openai(archive / "RN5.pt", damaged);
  testing::expect_error(ErrorCode::corrupt, "expected four counts of blocks", [&] { Model::load(archive); });
}

}  // namespace
}  // namespace beeld
