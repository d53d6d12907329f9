#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "vision/model/tower.h"

namespace beeld {

// Vision towers of the checkpoint families: each is one table of names and settings. `settings` is the part
// of the configuration that describes the vision tower; every key of it is read or refused.

/// Hugging Face CLIP and Chinese-CLIP: `vision_model.*`, `visual_projection`; without a width there is no
/// projection.
VisionTower<float> read_clip_vision(WeightReader& weights, Settings settings, int embedding_width);

/// SigLIP, and SigLIP 2 at fixed resolution (`model_type` siglip) and NaFlex (siglip2).
enum class SiglipSizes { fixed, naflex };
VisionTower<float> read_siglip_vision(WeightReader& weights, Settings settings, SiglipSizes sizes);

/// OpenCLIP's own ViT: `visual.*`; `vision_cfg` of the configuration.
struct OpenClipVision {
  int embedding_width = 0;
  Activation activation = Activation::gelu;  ///< quick_gelu of the whole model, or gelu
};
VisionTower<float> read_open_clip_vision(WeightReader& weights, Settings settings,
                                         const OpenClipVision& vision);

/// OpenCLIP's ModifiedResNet with attention pooling, which is what `layers` of four counts means: `visual.*`.
VisionTower<float> read_open_clip_resnet_vision(WeightReader& weights, Settings settings,
                                                int embedding_width);

/// timm's FastViT inside OpenCLIP (MobileCLIP): `visual.trunk.*`.
VisionTower<float> read_open_clip_fastvit_vision(WeightReader& weights, Settings settings,
                                                 int embedding_width);

/// A timm ViT inside OpenCLIP: `visual.trunk.*`, `visual.head.proj`; `vision_cfg` of the configuration.
VisionTower<float> read_open_clip_timm_vision(WeightReader& weights, Settings settings, int embedding_width);

/// An image classifier: the tower, and the map from its pooled row to the classes.
struct Classifier {
  VisionTower<float> tower;
  Linear<float> head;  // [K,C] or [K,2C]; absent where the checkpoint has none
  std::vector<std::string> classes;
};

/// Hugging Face ViT (`model_type` vit).
Classifier read_vit(WeightReader& weights, Settings settings);

/// Hugging Face DINOv2, with or without registers.
Classifier read_dinov2(WeightReader& weights, Settings settings);

/// timm's ViTs, by architecture name; `settings` is the whole config.json.
Classifier read_timm(WeightReader& weights, Settings settings);

/// The classes of a Hugging Face configuration's id2label, in order of their ids; empty without one.
std::vector<std::string> class_names(Settings& settings);

/// The classes of a timm configuration's label_names; empty without them.
std::vector<std::string> timm_class_names(Settings& settings);

/// The name under a key whose null means none, which is the empty one, and whose absence means `otherwise`.
std::string optional_name(Settings& settings, std::string_view key, const char* otherwise);

/// A picture's size in a configuration, a number or [height, width]: {height, width}.
std::pair<int, int> read_image_size(Settings& settings, std::string_view key, int fallback);

}  // namespace beeld
