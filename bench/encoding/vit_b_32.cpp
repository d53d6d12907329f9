#include "bench/encoding/vit_b_32.h"

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/format/safetensors.h"
#include "tests/support/tiny_model.h"

namespace beeld::bench {

namespace {

constexpr std::int64_t vocabulary = 49408, context = 77, patches = 49, dimension = 512;

/// Tensors that share one store of random values, so that 150 million weights cost 50 MB. Each begins at
/// another place of it: equal layers would hide a wrong order of them, and ONNX's exporter would merge them.
class RandomTensors {
 public:
  RandomTensors()
      : random_(vocabulary * text_tower.width + tensors_at_most * step),
        ones_(4 * vision_tower.width, 0x3C00) {
    std::mt19937 generator(1234);
    // float16 with a random sign and fraction, and 2^-6 as its power: about 0.023 large.
    for (auto& half : random_) {
      const auto bits = generator();
      half = static_cast<std::uint16_t>((bits & 0x8000U) | 9U << 10U | (bits & 0x3FFU));
    }
  }

  void add(const std::string& name, std::vector<std::int64_t> shape) {
    insert(name, std::move(shape), std::span(random_).subspan(tensors_.size() * step));
  }

  void norm(const std::string& name, std::int64_t width) {
    insert(name + ".weight", {width}, std::span(ones_));
    add(name + ".bias", {width});
  }

  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }

  void tower(const std::string& name, const Tower& sizes) {
    const auto c = sizes.width;
    for (std::int64_t i = 0; i < sizes.layers; ++i) {
      const std::string layer = name + ".encoder.layers." + std::to_string(i);
      norm(layer + ".layer_norm1", c);
      for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
        linear(layer + ".self_attn." + part, c, c);
      }
      norm(layer + ".layer_norm2", c);
      linear(layer + ".mlp.fc1", 4 * c, c);
      linear(layer + ".mlp.fc2", c, 4 * c);
    }
  }

  void write(const std::filesystem::path& file) const {
    write_safetensors(file, tensors_, {{"format", "pt"}});
  }

 private:
  void insert(const std::string& name, std::vector<std::int64_t> shape,
              std::span<const std::uint16_t> store) {
    std::size_t count = 1;
    for (const auto extent : shape) count *= static_cast<std::size_t>(extent);
    tensors_[name] = {DType::f16, std::move(shape), std::as_bytes(store.first(count))};
  }

  static constexpr std::size_t tensors_at_most = 512, step = 4099;

  std::vector<std::uint16_t> random_;
  std::vector<std::uint16_t> ones_;
  std::map<std::string, TensorData, std::less<>> tensors_;
};

// The layout's own defaults are the sizes of ViT-B/32.
void write_settings(const std::filesystem::path& folder) {
  const nlohmann::json config = {
      {"model_type", "clip"},
      {"projection_dim", dimension},
      {"text_config", {{"bos_token_id", testing::tiny_start_id()}, {"eos_token_id", testing::tiny_end_id()}}},
      {"vision_config", nlohmann::json::object()}};
  const nlohmann::json tokenizer = {{"tokenizer_class", "CLIPTokenizer"}, {"do_lower_case", true},
                                    {"model_max_length", context},        {"bos_token", "<|startoftext|>"},
                                    {"eos_token", "<|endoftext|>"},       {"pad_token", "<|endoftext|>"},
                                    {"unk_token", "<|endoftext|>"}};
  const nlohmann::json preprocessor = {{"feature_extractor_type", "CLIPFeatureExtractor"},
                                       {"do_resize", true},
                                       {"size", 224},
                                       {"resample", 3},
                                       {"do_center_crop", true},
                                       {"crop_size", 224},
                                       {"do_normalize", true},
                                       {"image_mean", {0.48145466, 0.4578275, 0.40821073}},
                                       {"image_std", {0.26862954, 0.26130258, 0.27577711}}};
  write_file_atomically(folder / "config.json", config.dump());
  write_file_atomically(folder / "tokenizer_config.json", tokenizer.dump());
  write_file_atomically(folder / "preprocessor_config.json", preprocessor.dump());
}

}  // namespace

double operations(const Tower& tower, std::int64_t tokens) {
  const auto c = static_cast<double>(tower.width), t = static_cast<double>(tokens);
  // For q rows that look at t tokens: q and output projections, both products of the attention, the MLP.
  const auto asking = [&](double q) { return 2 * q * c * 2 * c + 2 * 2 * q * t * c + 2 * q * c * 8 * c; };
  const double keys_and_values = 2 * t * c * 2 * c;
  const auto full_blocks = static_cast<double>(tower.layers - 1);
  const double embedding = tower.input ? 2 * (t - 1) * c * static_cast<double>(tower.input) : 0;
  return embedding + full_blocks * (keys_and_values + asking(t)) + keys_and_values + asking(1) +
         2 * c * static_cast<double>(dimension);
}

void write_vit_b_32(const std::filesystem::path& folder) {
  testing::write_tiny_tokenizer(folder);
  write_settings(folder);
  RandomTensors weights;
  weights.add("logit_scale", {1});
  weights.add("text_model.embeddings.token_embedding.weight", {vocabulary, text_tower.width});
  weights.add("text_model.embeddings.position_embedding.weight", {context, text_tower.width});
  weights.add("vision_model.embeddings.class_embedding", {vision_tower.width});
  weights.add("vision_model.embeddings.patch_embedding.weight", {vision_tower.width, 3, 32, 32});
  weights.add("vision_model.embeddings.position_embedding.weight", {patches + 1, vision_tower.width});
  weights.tower("text_model", text_tower);
  weights.tower("vision_model", vision_tower);
  weights.norm("text_model.final_layer_norm", text_tower.width);
  weights.norm("vision_model.pre_layrnorm", vision_tower.width);
  weights.norm("vision_model.post_layernorm", vision_tower.width);
  weights.add("text_projection.weight", {dimension, text_tower.width});
  weights.add("visual_projection.weight", {dimension, vision_tower.width});
  weights.write(folder / "model.safetensors");
}

}  // namespace beeld::bench
