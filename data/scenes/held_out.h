#pragma once

#include "data/scenes/scene.h"

namespace beeld::scenes {

/// Whether a thing in this colour is kept from training. Each thing lacks one of the ten colours.
bool held_out(Color color, Thing thing);

/// Whether this arrangement is kept from training: about one in ten. The same answer for "a cat left of a
/// dog" and "a dog right of a cat", which are one arrangement.
bool held_out(Relation relation, Thing first, Thing second);

/// Whether a scene contains a combination that is kept from training.
bool holds_out(const Scene& scene);

}  // namespace beeld::scenes
