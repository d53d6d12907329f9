#pragma once

#include <string>

#include "core/format/settings.h"
#include "core/format/weights.h"
#include "vision/model/tower.h"

namespace beeld {

/// Whether timm calls a FastViT so.
bool is_fastvit(const std::string& architecture);

/// A FastViT of timm (Vasu et al. 2023), which is MobileCLIP's tower of pictures.
struct FastVit {
  std::string architecture;  ///< "fastvit_mci0"
  Settings arguments;        ///< change it
  std::string prefix;        ///< of all its tensors
  int image_edge = 256;
};

/// Its layers, pooled by the mean, without a projection. Branches that are not yet one kernel become one.
/// Throws Error as WeightReader does, and unsupported for a name or an argument that is not known.
VisionTower<float> read_fastvit(WeightReader& weights, FastVit model);

}  // namespace beeld
