#pragma once

#include <cstdint>
#include <vector>

#include "data/scenes/dice.h"
#include "data/scenes/scene.h"

namespace beeld::scenes {

/// Any scene: one kind of thing or two, nothing that vanishes before its background.
Scene sample_scene(Dice& dice);

/// Scene number `index` of the training pictures of a seed: nothing in it is held out.
Scene training_scene(std::uint64_t seed, std::uint64_t index);

/// Scenes of which each contains a held-out combination, and of which none fits what any wording of another's
/// caption that states all of its facts says (see claims.h).
std::vector<Scene> test_scenes(std::uint64_t seed, std::size_t count);

}  // namespace beeld::scenes
