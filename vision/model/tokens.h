#pragma once

#include "vision/model/tower.h"

namespace beeld {

/// Class token and registers in front of each picture's patches, and a position added to every token that has
/// one: [patches,C] -> [N,C], the pictures end to end.
template <class T>
Tensor<T> place_tokens(const VisionTower<T>& tower, const Tensor<T>& patches, const ImageTokens& tokens,
                       Pass<T>& pass);

}  // namespace beeld
