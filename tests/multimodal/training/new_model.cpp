#include "tests/multimodal/training/new_model.h"

#include "core/base/files.h"
#include "core/format/named_tensors.h"
#include "multimodal/model/model_state.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

using nlohmann::json;

namespace {

json stack(int width) {
  return {{"hidden_size", width},
          {"intermediate_size", 2 * width},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 2}};
}

json text(const char* type, int width) {
  auto config = stack(width);
  config.update({{"model_type", type}, {"vocab_size", tiny_end_id() + 1}, {"max_position_embeddings", 12}});
  return config;
}

json vision(const char* type, int width) {
  auto config = stack(width);
  config.update({{"model_type", type}, {"image_size", 16}, {"patch_size", 8}, {"num_channels", 3}});
  return config;
}

}  // namespace

json tiny_clip_config() {
  auto words = text("clip_text_model", 12), pictures = vision("clip_vision_model", 20);
  for (auto* config : {&words, &pictures}) (*config)["hidden_act"] = "quick_gelu";
  words.update({{"eos_token_id", tiny_end_id()}, {"pad_token_id", tiny_end_id()}});
  return {{"architectures", {"CLIPModel"}},
          {"model_type", "clip"},
          {"projection_dim", 16},
          {"text_config", words},
          {"vision_config", pictures}};
}

json tiny_siglip_config() {
  return {{"architectures", {"SiglipModel"}},
          {"model_type", "siglip"},
          {"text_config", text("siglip_text_model", 16)},
          {"vision_config", vision("siglip_vision_model", 16)}};
}

void write_new_model(const std::filesystem::path& folder, const json& config, std::uint64_t seed) {
  write_tiny_tokenizer(folder);
  write_file_atomically(folder / "config.json", config.dump(1));
  const json preprocessing = {{"image_processor_type", "CLIPImageProcessor"},
                              {"size", {{"height", 16}, {"width", 16}}},
                              {"do_center_crop", false},
                              {"image_mean", {0.5, 0.5, 0.5}},
                              {"image_std", {0.5, 0.5, 0.5}}};
  write_file_atomically(folder / "preprocessor_config.json", preprocessing.dump(1));
  write_named_tensors(folder / "model.safetensors", initialize_weights(folder / "config.json", seed),
                      DType::f32);
}

}  // namespace beeld::testing
