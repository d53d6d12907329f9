#pragma once

#include <string>

#include "core/format/settings.h"
#include "vision/model/tower.h"

namespace beeld {

/// The shape of a timm ViT by its name, for example "vit_base_patch16_224", "vit_so400m_patch14_siglip_384"
/// or "vit_small_patch14_reg4_dinov2". `model_args` overrides single settings; `input_edge`, where not 0,
/// replaces the size in the name. Throws Error(unsupported) for
/// a name or an argument that is not known.
VisionConfig timm_architecture(const std::string& name, Settings model_args, int input_edge = 0);

}  // namespace beeld
