#pragma once

#include <string>

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "vision/model/tower.h"

namespace beeld {

/// A network of timm's: its shape, and what its blocks' tensors are called.
struct TimmArchitecture {
  VisionConfig config;
  BlockNames names;
};

/// The network that a name stands for, for example "vit_base_patch16_224", "vit_so400m_patch14_siglip_384",
/// "deit3_small_patch16_224" or "eva02_base_patch16_clip_224". `model_args` overrides single settings;
/// `input_edge`, where not 0, replaces the size in the name. Throws Error(unsupported) for a name or an
/// argument that is not known.
TimmArchitecture timm_architecture(const std::string& name, Settings model_args, int input_edge = 0);

/// The same of the EVA networks, whose names begin with `eva` and are not eva_large, which is a plain ViT.
TimmArchitecture eva_architecture(const std::string& name, Settings model_args, int input_edge);
bool is_eva(const std::string& name);

/// Pooling as timm names it, and where the last norm then stands. Throws Error(unsupported) for another one.
void apply_timm_pool(VisionConfig& config, const std::string& pool, const std::string& origin);

/// The size of a network's pictures: img_size, else `input_edge` where not 0, else the architecture's own.
void apply_timm_size(VisionConfig& config, Settings& model_args, int input_edge);

/// Arguments that change nothing outside training.
void ignore_timm_training(Settings& model_args);

}  // namespace beeld
