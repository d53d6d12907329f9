#pragma once

#include <beeld/model.h>
#include <beeld/tokenizer.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/ops/linear.h"
#include "core/weights.h"
#include "text/tower.h"
#include "vision/preprocess.h"
#include "vision/tower.h"

namespace beeld {

/// Everything a checkpoint holds, ready for use and never changed again.
struct Model::State {
  ModelInfo info;
  Preprocess preprocess;
  VisionTower<float> vision;
  Linear<float> classifier;  // [K,C] or [K,2C]; absent where the checkpoint has none
  std::optional<TextTower<float>> text;
  std::shared_ptr<Tokenizer> tokenizer;  // null without a text tower
};

/// Reads a folder in the layout of Hugging Face, OpenCLIP or timm; see Model::load.
std::shared_ptr<const Model::State> load_checkpoint(const std::filesystem::path& folder);

/// A model whose weights are its own and may be changed. Not packed.
struct TrainableModel {
  Model::State state;
  std::vector<NamedTensor> named;  ///< every weight, as its checkpoint calls it
  Tensor<float> logit_scale;       ///< [1], the logarithm
  Tensor<float> logit_bias;        ///< [1], or empty
};

/// Reads a CLIP or SigLIP folder in Hugging Face's layout for training. Throws as Model::load, and
/// Error(unsupported) for other families.
TrainableModel load_trainable(const std::filesystem::path& folder);

/// The weights of a new model that is shaped as a `config.json` says (model_type clip or siglip). Throws
/// Error: not_found, corrupt or unsupported.
std::vector<NamedTensor> draw_weights(const std::filesystem::path& config, std::uint64_t seed);

}  // namespace beeld
