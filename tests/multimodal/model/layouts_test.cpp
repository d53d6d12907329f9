// One set of weights in every layout in which it may be stored: the results must not depend on it.

#include <beeld/error.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::StoredTensors;

const std::vector<std::string> texts{"a photo of a cat", "red dog", "",
                                     "snow snow snow snow snow snow snow snow snow"};

Matrix both(const Model& model) {
  std::vector<Image> images;
  for (std::uint32_t seed = 1; seed < 4; ++seed) images.push_back(testing::wave_picture(40, 32, seed));
  auto rows = model.encode_images(images);
  const auto words = model.encode_texts(texts);
  rows.values.insert(rows.values.end(), words.values.begin(), words.values.end());
  rows.rows += words.rows;
  return rows;
}

double apart(const Matrix& a, const Matrix& b) {
  EXPECT_EQ(a.values.size(), b.values.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.values.size(), b.values.size()); ++i) {
    largest =
        std::max(largest, std::abs(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i])));
  }
  return largest;
}

void write(const fs::path& file, const json& value) { std::ofstream(file) << value.dump(1); }

/// The tiny checkpoint in `model`, its weights in memory, and a second folder for another layout of it.
class Layouts : public ::testing::Test {
 protected:
  Layouts() {
    testing::write_tiny_model(original);
    weights = testing::read_tensors(original / "model.safetensors");
    fs::copy(original, other);
    fs::remove(other / "model.safetensors");
  }

  void expect_same_embeddings() {
    EXPECT_LT(apart(both(Model::load(original)), both(Model::load(other))), 2e-6);
  }

  /// OpenCLIP's names for the weights of Hugging Face's, with `text` in front of the text tower's.
  StoredTensors open_clip_weights(const std::string& text) const;
  void write_open_clip_config(bool custom_text);

  testing::TemporaryFolder folder;
  fs::path original = folder / "original", other = folder / "other";
  StoredTensors weights;
};

StoredTensors Layouts::open_clip_weights(const std::string& text) const {
  StoredTensors renamed;
  const auto take = [&](const std::string& from, const std::string& to) { renamed[to] = weights.at(from); };
  const auto take_both = [&](const std::string& from, const std::string& to) {
    for (const auto* kind : {"weight", "bias"}) take(from + "." + kind, to + "." + kind);
  };
  const auto take_blocks = [&](const std::string& from, const std::string& to) {
    for (int i = 0; weights.contains(from + std::to_string(i) + ".layer_norm1.weight"); ++i) {
      const auto begin = from + std::to_string(i), end = to + std::to_string(i);
      for (const auto* kind : {"weight", "bias"}) {
        std::vector<testing::StoredTensor> parts;
        for (const auto* part : {"q", "k", "v"}) {
          parts.push_back(weights.at(begin + ".self_attn." + part + "_proj." + kind));
        }
        renamed[end + ".attn.in_proj_" + kind] = testing::stacked(parts);
      }
      take_both(begin + ".self_attn.out_proj", end + ".attn.out_proj");
      take_both(begin + ".layer_norm1", end + ".ln_1");
      take_both(begin + ".layer_norm2", end + ".ln_2");
      take_both(begin + ".mlp.fc1", end + ".mlp.c_fc");
      take_both(begin + ".mlp.fc2", end + ".mlp.c_proj");
    }
  };
  take("logit_scale", "logit_scale");
  take("text_model.embeddings.token_embedding.weight", text + "token_embedding.weight");
  take("text_model.embeddings.position_embedding.weight", text + "positional_embedding");
  take_blocks("text_model.encoder.layers.", text + "transformer.resblocks.");
  take_both("text_model.final_layer_norm", text + "ln_final");
  renamed[text + "text_projection"] = testing::transposed(weights.at("text_projection.weight"));
  take("vision_model.embeddings.class_embedding", "visual.class_embedding");
  take("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight");
  take("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding");
  take_both("vision_model.pre_layrnorm", "visual.ln_pre");
  take_blocks("vision_model.encoder.layers.", "visual.transformer.resblocks.");
  take_both("vision_model.post_layernorm", "visual.ln_post");
  renamed["visual.proj"] = testing::transposed(weights.at("visual_projection.weight"));
  return renamed;
}

void Layouts::write_open_clip_config(bool custom_text) {
  const auto config = read_json(original / "config.json");
  const auto& text = config["text_config"];
  const auto& vision = config["vision_config"];
  const auto preprocessing = read_json(original / "preprocessor_config.json");
  const auto ratio = [](const json& part) {
    return part["intermediate_size"].get<double>() / part["hidden_size"].get<double>();
  };
  json model{{"embed_dim", config["projection_dim"]},
             {"quick_gelu", true},
             {"vision_cfg",
              {{"image_size", vision["image_size"]},
               {"layers", vision["num_hidden_layers"]},
               {"width", vision["hidden_size"]},
               {"head_width", vision["hidden_size"].get<int>() / vision["num_attention_heads"].get<int>()},
               {"mlp_ratio", ratio(vision)},
               {"patch_size", vision["patch_size"]}}},
             {"text_cfg",
              {{"context_length", text["max_position_embeddings"]},
               {"vocab_size", text["vocab_size"]},
               {"width", text["hidden_size"]},
               {"heads", text["num_attention_heads"]},
               {"mlp_ratio", ratio(text)},
               {"layers", text["num_hidden_layers"]}}}};
  if (custom_text) model["custom_text"] = true;
  write(other / "open_clip_config.json",
        {{"model_cfg", model},
         {"preprocess_cfg", {{"mean", preprocessing["image_mean"]}, {"std", preprocessing["image_std"]}}}});
  fs::remove(other / "config.json");
  fs::remove(other / "preprocessor_config.json");
}

TEST_F(Layouts, ShardsGiveTheSame) {
  StoredTensors first, second;
  json map;
  for (const auto& [name, tensor] : weights) {
    const bool even = (map.size() % 2) == 0;
    (even ? first : second)[name] = tensor;
    map[name] = even ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  testing::write_tensors(other / "model-00001-of-00002.safetensors", first);
  testing::write_tensors(other / "model-00002-of-00002.safetensors", second);
  write(other / "model.safetensors.index.json", {{"metadata", json::object()}, {"weight_map", map}});
  expect_same_embeddings();
}

TEST_F(Layouts, HalfPrecisionIsWidenedBeforeAnythingElse) {
  for (const auto dtype : {DType::f16, DType::bf16}) {
    testing::write_tensors(original / "model.safetensors", testing::rounded(weights, dtype));
    testing::write_tensors(other / "model.safetensors", weights, dtype);
    EXPECT_EQ(apart(both(Model::load(original)), both(Model::load(other))), 0);
  }
}

TEST_F(Layouts, OpenClipGivesTheSame) {
  write_open_clip_config(false);
  testing::write_tensors(other / "open_clip_model.safetensors", open_clip_weights(""));
  expect_same_embeddings();
}

TEST_F(Layouts, OpenClipWithCustomTextGivesTheSame) {
  write_open_clip_config(true);
  testing::write_tensors(other / "open_clip_pytorch_model.safetensors", open_clip_weights("text."));
  expect_same_embeddings();
}

TEST_F(Layouts, AnOldOverridingPartCounts) {
  auto config = read_json(other / "config.json");
  config["text_config_dict"] = config["text_config"];
  config["text_config"] = {{"hidden_size", 4096}};
  write(other / "config.json", config);
  testing::write_tensors(other / "model.safetensors", weights);
  expect_same_embeddings();
}

void expect_refusal(const fs::path& model, ErrorCode code, const std::string& named) {
  try {
    Model::load(model);
    FAIL() << "loaded in spite of " << named;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
  }
}

TEST_F(Layouts, UnknownSettingsAreNamed) {
  testing::write_tensors(other / "model.safetensors", weights);
  const auto config = read_json(other / "config.json");
  for (const auto* part : {"text_config", "vision_config"}) {
    auto changed = config;
    changed[part]["attention_window"] = 12;
    write(other / "config.json", changed);
    expect_refusal(other, ErrorCode::unsupported, "attention_window");
  }
  auto changed = config;
  changed["vision_config"]["hidden_act"] = "mish";
  write(other / "config.json", changed);
  expect_refusal(other, ErrorCode::unsupported, "mish");
  changed = config;
  changed["text_config"]["num_attention_heads"] = 5;
  write(other / "config.json", changed);
  expect_refusal(other, ErrorCode::corrupt, "5 heads");
  changed = config;
  changed["model_type"] = "blip-9";
  write(other / "config.json", changed);
  expect_refusal(other, ErrorCode::unsupported, "blip-9");
}

// A short file must not be able to ask for gigabytes.
TEST_F(Layouts, AbsurdSizesAreRefused) {
  write_open_clip_config(false);
  testing::write_tensors(other / "open_clip_model.safetensors", open_clip_weights(""));
  const auto config = read_json(other / "open_clip_config.json");
  auto changed = config;
  changed["model_cfg"]["vision_cfg"]["image_size"] = 16384;
  changed["model_cfg"]["vision_cfg"]["patch_size"] = 1;
  write(other / "open_clip_config.json", changed);
  expect_refusal(other, ErrorCode::corrupt, "visual.conv1.weight");
  auto small = open_clip_weights("");
  small["visual.conv1.weight"] = testing::random_stored({48, 3, 1, 1}, 1);
  testing::write_tensors(other / "open_clip_model.safetensors", small);
  expect_refusal(other, ErrorCode::limit, "268435456 patches");
  changed = config;
  changed["model_cfg"]["text_cfg"]["mlp_ratio"] = 1e300;
  write(other / "open_clip_config.json", changed);
  expect_refusal(other, ErrorCode::corrupt, "mlp_ratio");
}

TEST_F(Layouts, TensorsThatDoNotFitAreNamed) {
  auto changed = weights;
  changed["text_model.encoder.layers.0.self_attn.q_norm.weight"] = testing::random_stored({32}, 1);
  testing::write_tensors(other / "model.safetensors", changed);
  expect_refusal(other, ErrorCode::unsupported, "q_norm");
  changed = weights;
  changed.erase("visual_projection.weight");
  testing::write_tensors(other / "model.safetensors", changed);
  expect_refusal(other, ErrorCode::corrupt, "visual_projection.weight");
  changed = weights;
  changed["logit_scale"] = testing::random_stored({2}, 1);
  testing::write_tensors(other / "model.safetensors", changed);
  expect_refusal(other, ErrorCode::corrupt, "logit_scale");
}

TEST_F(Layouts, ATextTheVocabularyDoesNotCoverIsAnError) {
  auto config = read_json(other / "config.json");
  const auto width = config["text_config"]["hidden_size"].get<std::int64_t>();
  config["text_config"]["vocab_size"] = 40;  // the tokenizer knows hundreds
  write(other / "config.json", config);
  auto changed = weights;
  changed["text_model.embeddings.token_embedding.weight"] = testing::random_stored({40, width}, 1);
  testing::write_tensors(other / "model.safetensors", changed);
  const auto model = Model::load(other);
  testing::expect_error(ErrorCode::invalid_argument, "of a table of", [&] { model.encode_texts(texts); });
}

json vit_preprocessing() {
  return {{"image_processor_type", "ViTImageProcessor"},
          {"size", {{"height", 32}, {"width", 32}}},
          {"resample", 3}};
}

/// The same random classifier in Hugging Face's and timm's names.
class ClassifierLayouts : public ::testing::Test {
 protected:
  ClassifierLayouts() {
    fs::create_directories(vit);
    fs::create_directories(timm);
    put_both("vit.embeddings.patch_embeddings.projection", "patch_embed.proj", {64, 3, 16, 16});
    put("vit.embeddings.cls_token", "cls_token", {1, 1, 64});
    put("vit.embeddings.position_embeddings", "pos_embed", {1, 5, 64});
    for (int i = 0; i < 6; ++i)
      put_block("vit.encoder.layer." + std::to_string(i), "blocks." + std::to_string(i));
    put_both("vit.layernorm", "norm", {64});
    put_both("classifier", "head", {7, 64});
    write(vit / "config.json", {{"model_type", "vit"},
                                {"hidden_size", 64},
                                {"intermediate_size", 192},
                                {"num_hidden_layers", 6},
                                {"num_attention_heads", 2},
                                {"image_size", 32},
                                {"layer_norm_eps", 1e-6}});
    write(vit / "preprocessor_config.json", vit_preprocessing());
    testing::write_tensors(vit / "model.safetensors", hugging_face);
  }

  void put(const std::string& from, const std::string& to, std::vector<std::int64_t> shape) {
    hugging_face[from] = timm_weights[to] = testing::random_stored(std::move(shape), seed++);
  }
  void put_both(const std::string& from, const std::string& to, const std::vector<std::int64_t>& shape) {
    put(from + ".weight", to + ".weight", shape);
    put(from + ".bias", to + ".bias", {shape[0]});
  }
  void put_block(const std::string& from, const std::string& to) {
    put_both(from + ".layernorm_before", to + ".norm1", {64});
    put_both(from + ".layernorm_after", to + ".norm2", {64});
    put_both(from + ".attention.output.dense", to + ".attn.proj", {64, 64});
    put_both(from + ".intermediate.dense", to + ".mlp.fc1", {192, 64});
    put_both(from + ".output.dense", to + ".mlp.fc2", {64, 192});
    for (const auto* kind : {"weight", "bias"}) {
      std::vector<testing::StoredTensor> parts;
      for (const auto* part : {"query", "key", "value"}) {
        auto& tensor = hugging_face[from + ".attention.attention." + part + "." + kind];
        tensor = std::string(kind) == "weight" ? testing::random_stored({64, 64}, seed++)
                                               : testing::random_stored({64}, seed++);
        parts.push_back(tensor);
      }
      timm_weights[to + ".attn.qkv." + kind] = testing::stacked(parts);
    }
  }
  Pixels pixels() const { return Model::load(vit).preprocess(testing::wave_picture(50, 40, 3)); }

  testing::TemporaryFolder folder;
  fs::path vit = folder / "vit", timm = folder / "timm";
  StoredTensors hugging_face, timm_weights;
  std::uint64_t seed = 1;
};

TEST_F(ClassifierLayouts, TimmGivesTheSame) {
  const json pretrained{{"input_size", {3, 32, 32}},        {"interpolation", "bicubic"}, {"crop_pct", 1.0},
                        {"mean", {0.5, 0.5, 0.5}},          {"std", {0.5, 0.5, 0.5}},     {"num_classes", 7},
                        {"first_conv", "patch_embed.proj"}, {"classifier", "head"}};
  const json by_name{{"architecture", "test_vit"},
                     {"num_classes", 7},
                     {"pretrained_cfg", pretrained},
                     {"model_args", {{"img_size", 32}}}};
  const json by_arguments{
      {"architecture", "vit_base_patch16_224"},
      {"num_classes", 7},
      {"pretrained_cfg", pretrained},
      {"model_args",
       {{"img_size", 32}, {"embed_dim", 64}, {"depth", 6}, {"num_heads", 2}, {"mlp_ratio", 3}}}};
  testing::write_tensors(timm / "model.safetensors", timm_weights);
  const std::vector<Pixels> one{pixels()};
  const auto expected = Model::load(vit).classify_pixels(one);
  for (const auto& config : {by_name, by_arguments}) {
    write(timm / "config.json", config);
    const auto model = Model::load(timm);
    EXPECT_LT(apart(model.classify_pixels(one), expected), 1e-5);
    EXPECT_EQ(model.info().classes, (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6"}));
  }
}

TEST_F(ClassifierLayouts, ATimmTowerInOpenClipGivesTheSameFeatures) {
  testing::TemporaryFolder tiny;
  testing::write_tiny_model(tiny / "clip");
  const auto config = read_json(tiny / "clip/config.json")["text_config"];
  const auto clip = testing::read_tensors(tiny / "clip/model.safetensors");
  StoredTensors mixed;
  for (const auto& [name, tensor] : timm_weights) {
    if (!name.starts_with("head.")) mixed["visual.trunk." + name] = tensor;
  }
  const auto projection = mixed["visual.head.proj.weight"] = testing::random_stored({24, 64}, 99);
  const auto width = config["hidden_size"].get<std::int64_t>();
  mixed["token_embedding.weight"] = clip.at("text_model.embeddings.token_embedding.weight");
  mixed["positional_embedding"] = clip.at("text_model.embeddings.position_embedding.weight");
  mixed["ln_final.weight"] = clip.at("text_model.final_layer_norm.weight");
  mixed["ln_final.bias"] = clip.at("text_model.final_layer_norm.bias");
  mixed["text_projection"] = testing::random_stored({width, 24}, 98);
  mixed["logit_scale"] = testing::random_stored({}, 97);
  testing::write_tensors(timm / "open_clip_model.safetensors", mixed);
  testing::write_tiny_tokenizer(timm);
  write(
      timm / "open_clip_config.json",
      {{"model_cfg",
        {{"embed_dim", 24},
         {"vision_cfg",
          {{"timm_model_name", "test_vit"}, {"timm_pool", ""}, {"timm_proj", "linear"}, {"image_size", 32}}},
         {"text_cfg",
          {{"context_length", config["max_position_embeddings"]},
           {"vocab_size", config["vocab_size"]},
           {"width", width},
           {"heads", 2},
           {"layers", 0}}}}},
       {"preprocess_cfg", {{"mean", {0.5, 0.5, 0.5}}, {"std", {0.5, 0.5, 0.5}}}}});
  const std::vector<Pixels> one{pixels()};
  const auto features = Model::load(vit).encode_pixels(one);
  const auto embedding = Model::load(timm).encode_pixels(one);
  ASSERT_EQ(embedding.columns, 24u);
  for (std::size_t i = 0; i < 24; ++i) {
    const std::span row(projection.values.data() + i * 64, 64);
    EXPECT_NEAR(embedding[0][i], dot(row, features[0]), 1e-5);
  }
}

TEST_F(ClassifierLayouts, AHeadOfAnotherShapeIsRefused) {
  for (const auto& shape : {std::vector<std::int64_t>{}, {64}, {0, 64}, {7, 32}}) {
    auto changed = hugging_face;
    changed["classifier.weight"] = testing::random_stored(shape, 1);
    testing::write_tensors(vit / "model.safetensors", changed);
    expect_refusal(vit, ErrorCode::corrupt, "classifier.");
  }
}

TEST_F(ClassifierLayouts, ClassNamesMustFitTheHead) {
  auto config = read_json(vit / "config.json");
  config["id2label"] = {{"0", "cat"}, {"1", "dog"}};
  write(vit / "config.json", config);
  expect_refusal(vit, ErrorCode::corrupt, "2 class names");
}

TEST_F(ClassifierLayouts, AnUnknownTimmArchitectureIsNamed) {
  testing::write_tensors(timm / "model.safetensors", timm_weights);
  write(timm / "config.json",
        {{"architecture", "resnet50"}, {"pretrained_cfg", {{"input_size", {3, 32, 32}}}}});
  expect_refusal(timm, ErrorCode::unsupported, "resnet50");
}

// MetaCLIP 2 is CLIP but for its end token, which may be 2.
TEST_F(Layouts, MetaClip2PoolsAtItsEndTokenWhateverThatIs) {
  testing::write_tensors(other / "model.safetensors", weights);
  auto config = read_json(original / "config.json");
  config["model_type"] = "metaclip_2";
  write(other / "config.json", config);
  EXPECT_EQ(Model::load(other).info().family, "MetaCLIP 2");
  EXPECT_EQ(apart(both(Model::load(original)), both(Model::load(other))), 0);
  config["text_config"]["eos_token_id"] = 2;  // no text has it, so that the first token stands for all
  write(other / "config.json", config);
  const auto rows = Model::load(other).encode_texts(texts);
  EXPECT_TRUE(std::ranges::equal(rows[0], rows[1]));
}

/// The reference case of EVA02, whose projections lie apart, with them packed as EVA01's are.
TEST(EvaLayouts, PackedProjectionsAreThoseThatLieApart) {
  BEELD_NEED_SHARED("conformance/eva_clip/public");
  const auto original = testing::shared_folder() / "conformance/eva_clip/public";
  const testing::TemporaryFolder folder;
  const auto other = folder / "packed";
  fs::copy(original, other, fs::copy_options::recursive);
  auto config = read_json(original / "open_clip_config.json");
  config["model_cfg"]["vision_cfg"]["timm_model_kwargs"]["qkv_fused"] = true;
  write(other / "open_clip_config.json", config);
  auto weights = testing::read_tensors(original / "open_clip_model.safetensors");
  for (const auto* block : {"visual.trunk.blocks.0.attn.", "visual.trunk.blocks.1.attn."}) {
    const std::string begin = block;
    std::vector<testing::StoredTensor> parts;
    for (const auto* part : {"q_proj", "k_proj", "v_proj"}) {
      parts.push_back(weights.at(begin + part + ".weight"));
      weights.erase(begin + part + ".weight");
    }
    weights[begin + "qkv.weight"] = testing::stacked(parts);
    for (const auto* part : {"q", "v"}) {
      weights[begin + part + "_bias"] = weights.at(begin + part + "_proj.bias");
      weights.erase(begin + part + "_proj.bias");
    }
  }
  testing::write_tensors(other / "open_clip_model.safetensors", weights);
  const std::vector<Image> images{testing::wave_picture(64, 64, 1)};
  EXPECT_LT(apart(Model::load(original).encode_images(images), Model::load(other).encode_images(images)),
            2e-6);
}

}  // namespace
}  // namespace beeld
