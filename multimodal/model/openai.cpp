#include "multimodal/model/openai.h"

#include <beeld/error.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "multimodal/model/readers.h"
#include "text/tokenizer/load_tokenizer.h"
#include "vision/preprocess/config.h"

namespace beeld {

namespace {

constexpr std::int64_t head_width = 64;

class Shapes {
 public:
  explicit Shapes(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  /// One extent of a tensor of `rank` dimensions.
  std::int64_t extent(const std::string& name, std::size_t rank, std::size_t axis) const {
    const auto* tensor = checkpoint_.find(name);
    if (!tensor || tensor->shape.size() != rank || tensor->shape[axis] < 1) {
      throw Error(ErrorCode::corrupt, "[load] " + checkpoint_.path().string() + ": expected a tensor " +
                                          name + " of " + std::to_string(rank) + " dimensions");
    }
    return tensor->shape[axis];
  }

  std::int64_t layers(const std::string& prefix) const {
    std::int64_t count = 0;
    while (checkpoint_.find(prefix + "transformer.resblocks." + std::to_string(count) + ".ln_1.weight"))
      ++count;
    return count;
  }

  std::int64_t bottlenecks(int stage) const {
    const auto begin = "visual.layer" + std::to_string(stage) + ".";
    std::int64_t count = 0;
    while (checkpoint_.find(begin + std::to_string(count) + ".conv1.weight")) ++count;
    return count;
  }

 private:
  const Checkpoint& checkpoint_;
};

}  // namespace

bool is_openai(const Checkpoint& checkpoint) {
  return checkpoint.find("input_resolution") && checkpoint.find("context_length") &&
         checkpoint.find("vocab_size");
}

namespace {

/// Rows and columns of a square grid, from the number of its positions and one more.
std::int64_t grid_edge(std::int64_t positions) {
  return std::llround(std::sqrt(static_cast<double>(positions - 1)));
}

nlohmann::json vit_configuration(const Shapes& shapes) {
  const auto patch = shapes.extent("visual.conv1.weight", 4, 3);
  const auto grid = grid_edge(shapes.extent("visual.positional_embedding", 2, 0));
  return {{"image_size", grid * patch},
          {"layers", shapes.layers("visual.")},
          {"width", shapes.extent("visual.conv1.weight", 4, 0)},
          {"head_width", head_width},
          {"patch_size", patch}};
}

nlohmann::json resnet_configuration(const Shapes& shapes) {
  constexpr std::int64_t stride = 32;  // of all layers together
  auto blocks = nlohmann::json::array();
  for (int stage = 1; stage <= 4; ++stage) blocks.push_back(shapes.bottlenecks(stage));
  return {{"image_size", grid_edge(shapes.extent("visual.attnpool.positional_embedding", 2, 0)) * stride},
          {"layers", blocks},
          {"width", shapes.extent("visual.layer1.0.conv1.weight", 4, 0)},
          {"head_width", head_width}};
}

}  // namespace

nlohmann::json openai_configuration(const Checkpoint& checkpoint) {
  const Shapes shapes(checkpoint);
  const bool resnet = checkpoint.find("visual.layer1.0.conv1.weight") != nullptr;
  const auto text_width = shapes.extent("token_embedding.weight", 2, 1);
  return {{"model_cfg",
           {{"embed_dim", shapes.extent("text_projection", 2, 1)},
            {"quick_gelu", true},
            {"vision_cfg", resnet ? resnet_configuration(shapes) : vit_configuration(shapes)},
            {"text_cfg",
             {{"context_length", shapes.extent("positional_embedding", 2, 0)},
              {"vocab_size", shapes.extent("token_embedding.weight", 2, 0)},
              {"width", text_width},
              {"heads", text_width / head_width},
              {"layers", shapes.layers("")}}}}}};
}

void read_openai(CheckpointReading& reading) {
  read_open_clip(reading);
  reading.weights.ignore({"input_resolution", "context_length", "vocab_size"});
}

void read_openai_inputs(CheckpointReading& reading) {
  auto& parts = reading.parts;
  parts.tokenizer = load_clip_tokenizer(reading.folder);
  parts.tokenizer->set_context_length(static_cast<std::size_t>(parts.text->config.context_length));
  parts.text->config.pad_id = parts.tokenizer->pad_id();
  // OpenCLIP's defaults are CLIP's own values.
  const auto& tower = parts.vision.config;
  parts.preprocess = open_clip_preprocess(Settings(nlohmann::json::object(), reading.config.origin()),
                                          {tower.image_height, tower.image_width});
}

}  // namespace beeld
