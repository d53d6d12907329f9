#include "tests/support/tiny_model.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace beeld::testing {

namespace {

using Json = nlohmann::ordered_json;

constexpr int dimension = 24, context = 24, text_width = 32, vision_width = 48, patch = 8, edge = 32;
constexpr int layers = 2;

const std::vector<std::pair<std::string, std::string>>& merges() {
  static const std::vector<std::pair<std::string, std::string>> list = {
      {"c", "a"},      {"ca", "t</w>"}, {"d", "o"},        {"do", "g</w>"}, {"p", "h"},
      {"o", "t"},      {"ph", "ot"},    {"phot", "o</w>"}, {"o", "f</w>"},  {"r", "e"},
      {"re", "d</w>"}, {"s", "n"},      {"sn", "o"},       {"sno", "w</w>"}};
  return list;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
}

// One or two bytes are enough: CLIP's byte symbols end at U+0143.
std::string utf8(int code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

bool printable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// Printable bytes stand for themselves, the others for the code points from 256 on (GPT-2's table).
std::vector<std::string> byte_symbols() {
  std::vector<std::string> symbols;
  for (int byte = 0; byte < 256; ++byte)
    if (printable(byte)) symbols.push_back(utf8(byte));
  for (int code = 256; symbols.size() < 256; ++code) symbols.push_back(utf8(code));
  return symbols;
}

Json text_config() {
  return {{"model_type", "clip_text_model"},
          {"hidden_size", text_width},
          {"intermediate_size", 2 * text_width},
          {"num_hidden_layers", layers},
          {"num_attention_heads", 2},
          {"max_position_embeddings", context},
          {"hidden_act", "quick_gelu"},
          {"layer_norm_eps", 1e-5},
          {"projection_dim", dimension},
          {"bos_token_id", tiny_start_id()},
          {"eos_token_id", tiny_end_id()},
          {"pad_token_id", tiny_end_id()},
          {"vocab_size", tiny_end_id() + 1}};
}

Json vision_config() {
  return {{"model_type", "clip_vision_model"},
          {"hidden_size", vision_width},
          {"intermediate_size", 2 * vision_width},
          {"num_hidden_layers", layers},
          {"num_attention_heads", 4},
          {"image_size", edge},
          {"patch_size", patch},
          {"num_channels", 3},
          {"hidden_act", "quick_gelu"},
          {"layer_norm_eps", 1e-5},
          {"projection_dim", dimension}};
}

Json preprocessor_config() {
  return {{"feature_extractor_type", "CLIPFeatureExtractor"},
          {"do_resize", true},
          {"size", edge},
          {"resample", 3},
          {"do_center_crop", true},
          {"crop_size", edge},
          {"do_normalize", true},
          {"image_mean", {0.48145466, 0.4578275, 0.40821073}},
          {"image_std", {0.26862954, 0.26130258, 0.27577711}}};
}

/// Gathers named float32 tensors and writes them as one safetensors file.
class Weights {
 public:
  explicit Weights(std::uint32_t seed) : random_(seed) {}

  /// Uniform values around `mean` with the given standard deviation.
  void add(const std::string& name, const std::vector<int>& shape, double deviation, double mean = 0) {
    std::size_t count = 1;
    for (const int size : shape) count *= static_cast<std::size_t>(size);
    const std::size_t begin = data_.size() * sizeof(float);
    for (std::size_t i = 0; i < count; ++i) {
      const double unit = static_cast<double>(random_()) / 4294967295.0 * 2 - 1;
      data_.push_back(static_cast<float>(mean + unit * std::sqrt(3.0) * deviation));
    }
    header_[name] = {
        {"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data_.size() * sizeof(float)}}};
  }

  void norm(const std::string& name, int width) {
    add(name + ".weight", {width}, 0.1, 1);
    add(name + ".bias", {width}, 0.1);
  }

  void linear(const std::string& name, int out, int in) {
    add(name + ".weight", {out, in}, 1 / std::sqrt(in));
    add(name + ".bias", {out}, 0.1);
  }

  void block(const std::string& name, int width) {
    norm(name + ".layer_norm1", width);
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
      linear(name + ".self_attn." + part, width, width);
    norm(name + ".layer_norm2", width);
    linear(name + ".mlp.fc1", 2 * width, width);
    linear(name + ".mlp.fc2", width, 2 * width);
  }

  void write(const std::filesystem::path& path) const {
    const std::string header = header_.dump();
    std::string file;
    for (int i = 0; i < 8; ++i) file.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
    file += header;
    file.append(reinterpret_cast<const char*>(data_.data()), data_.size() * sizeof(float));
    write_text(path, file);
  }

 private:
  std::mt19937 random_;
  std::vector<float> data_;
  Json header_ = {{"__metadata__", {{"format", "pt"}}}};
};

void add_towers(Weights& weights) {
  weights.add("logit_scale", {}, 0, 2.6592);
  const std::string text = "text_model.", vision = "vision_model.";
  weights.add(text + "embeddings.token_embedding.weight", {tiny_end_id() + 1, text_width}, 1);
  weights.add(text + "embeddings.position_embedding.weight", {context, text_width}, 0.3);
  weights.add(vision + "embeddings.class_embedding", {vision_width}, 0.3);
  weights.add(vision + "embeddings.patch_embedding.weight", {vision_width, 3, patch, patch}, 0.1);
  const int patches = (edge / patch) * (edge / patch);
  weights.add(vision + "embeddings.position_embedding.weight", {patches + 1, vision_width}, 0.3);
  for (int i = 0; i < layers; ++i) {
    weights.block(text + "encoder.layers." + std::to_string(i), text_width);
    weights.block(vision + "encoder.layers." + std::to_string(i), vision_width);
  }
  weights.norm(text + "final_layer_norm", text_width);
  weights.norm(vision + "pre_layrnorm", vision_width);
  weights.norm(vision + "post_layernorm", vision_width);
  weights.add("text_projection.weight", {dimension, text_width}, 1 / std::sqrt(text_width));
  weights.add("visual_projection.weight", {dimension, vision_width}, 1 / std::sqrt(vision_width));
}

}  // namespace

std::int32_t tiny_start_id() { return static_cast<std::int32_t>(512 + merges().size()); }
std::int32_t tiny_end_id() { return tiny_start_id() + 1; }

void write_tiny_tokenizer(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const std::string start = "<|startoftext|>", end = "<|endoftext|>";
  Json vocabulary = Json::object();
  const auto add = [&](const std::string& symbol) { vocabulary[symbol] = vocabulary.size(); };
  for (const auto& symbol : byte_symbols()) add(symbol);
  for (const auto& symbol : byte_symbols()) add(symbol + "</w>");
  std::string ranks = "#version: 0.2\n";
  for (const auto& [left, right] : merges()) {
    add(left + right);
    ranks += left + " " + right + "\n";
  }
  add(start);
  add(end);
  write_text(folder / "vocab.json", vocabulary.dump());
  write_text(folder / "merges.txt", ranks);
  const Json config = {{"tokenizer_class", "CLIPTokenizer"},
                       {"do_lower_case", true},
                       {"model_max_length", context},
                       {"bos_token", start},
                       {"eos_token", end},
                       {"pad_token", end},
                       {"unk_token", end}};
  write_text(folder / "tokenizer_config.json", config.dump(1));
}

void write_tiny_model(const std::filesystem::path& folder, std::uint32_t seed) {
  write_tiny_tokenizer(folder);
  const Json config = {{"architectures", {"CLIPModel"}}, {"model_type", "clip"},
                       {"projection_dim", dimension},    {"logit_scale_init_value", 2.6592},
                       {"text_config", text_config()},   {"vision_config", vision_config()},
                       {"torch_dtype", "float32"}};
  write_text(folder / "config.json", config.dump(1));
  write_text(folder / "preprocessor_config.json", preprocessor_config().dump(1));
  Weights weights(seed);
  add_towers(weights);
  weights.write(folder / "model.safetensors");
}

}  // namespace beeld::testing
