#pragma once

#include <beeld/model.h>
#include <beeld/tokenizer.h>

#include <optional>

#include "core/ops/linear.h"
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

}  // namespace beeld
