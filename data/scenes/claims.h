#pragma once

#include <optional>

#include "data/scenes/scene.h"

namespace beeld::scenes {

/// The facts of a scene that a sentence states: the rest is left open. Things and their counts are
/// always stated; of medium size and of the middle nothing is said.
struct Claims {
  enum class Colors { stated, open } colors = Colors::stated;
  enum class Sizes { stated, open } sizes = Sizes::stated;
  enum class Arrangement { stated, open } arrangement = Arrangement::stated;  ///< Place or relation.
  enum class Setting { stated, open } setting = Setting::stated;              ///< The background.
};

/// Whether the sentence that states these facts of `told` is also true of `seen`. Read generously: "a red
/// cat" is true of two red cats, and whatever else there may be.
bool fits(const Claims& claims, const Scene& told, const Scene& seen);

}  // namespace beeld::scenes
