#pragma once

#include <beeld/image.h>

#include <span>

#include "vision/model/patches.h"
#include "vision/model/tower.h"

namespace beeld {

/// Class token and registers in front of each picture's patches, and a position added to every token that has
/// one: [patches,C] -> [N,C], the pictures end to end.
template <class T>
Tensor<T> place_tokens(const VisionTower<T>& tower, const Tensor<T>& patches, std::span<const Pixels> images,
                       KeptPatches kept, Pass<T>& pass);

}  // namespace beeld
