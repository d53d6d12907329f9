#pragma once

#include <string>

#include "core/settings.h"
#include "vision/tower.h"

namespace beeld {

/// What timm's ViT differs in beyond the tower itself.
struct TimmArchitecture {
  VisionConfig config;
  enum class PooledNorm {
    absent,
    present
  } pooled_norm = PooledNorm::absent;  ///< `fc_norm` in place of `norm`
};

/// The shape of a timm ViT by its name, for example "vit_base_patch16_224", "vit_so400m_patch14_siglip_384"
/// or "vit_small_patch14_reg4_dinov2". `model_args` overrides single settings. Throws Error(unsupported) for
/// a name or an argument that is not known.
TimmArchitecture timm_architecture(const std::string& name, Settings model_args);

}  // namespace beeld
