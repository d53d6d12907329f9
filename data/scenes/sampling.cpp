#include "data/scenes/sampling.h"

#include <algorithm>

#include "data/scenes/claims.h"
#include "data/scenes/held_out.h"

namespace beeld::scenes {

namespace {

Group sample_group(Dice& dice, Background background) {
  Group group{dice.pick<Thing>(thing_count), dice.pick<Color>(color_count)};
  while (vanishes(group.color, background)) group.color = dice.pick<Color>(color_count);
  return group;
}

Size sample_size(Dice& dice) {
  return dice.chance(0.5) ? Size::medium : dice.chance(0.5) ? Size::small : Size::big;
}

Scene sample_single(Dice& dice) {
  const auto background = dice.pick<Background>(background_count);
  Scene scene{background, sample_group(dice, background)};
  if (dice.chance(0.4)) {
    scene.first.count = 2 + static_cast<int>(dice.below(most_of_a_thing - 1));
  } else if (dice.chance(0.45)) {
    scene.place = static_cast<Place>(1 + dice.below(4));
    if (dice.chance(0.3)) scene.first.size = Size::small;
  } else {
    scene.first.size = sample_size(dice);
  }
  return scene;
}

Scene sample_pair(Dice& dice) {
  const auto background = dice.pick<Background>(background_count);
  Scene scene{background, sample_group(dice, background)};
  Group other = sample_group(dice, background);
  while (other.thing == scene.first.thing || other.color == scene.first.color)
    other = sample_group(dice, background);
  // Four at most: smaller things are no longer recognised in a picture 64 pixels wide.
  if (dice.chance(0.3)) {
    auto& several = dice.chance(0.5) ? other : scene.first;
    several.count = dice.chance(0.7) ? 2 : 3;
  } else if (dice.chance(0.4)) {
    scene.first.size = sample_size(dice);
    other.size = sample_size(dice);
  }
  scene.second = Neighbor{dice.pick<Relation>(4), other};
  return scene;
}

}  // namespace

Scene sample_scene(Dice& dice) { return dice.chance(0.5) ? sample_single(dice) : sample_pair(dice); }

Scene training_scene(std::uint64_t seed, std::uint64_t index) {
  Dice dice(mix(seed) ^ index);
  Scene scene = sample_scene(dice);
  while (holds_out(scene)) scene = sample_scene(dice);
  return scene;
}

std::vector<Scene> test_scenes(std::uint64_t seed, std::size_t count) {
  Dice dice(mix(seed) ^ ~std::uint64_t{0});
  std::vector<Scene> scenes;
  while (scenes.size() < count) {
    const Scene scene = sample_scene(dice);
    const auto confused = [&](const Scene& other) {
      return fits(Claims{}, scene, other) || fits(Claims{}, other, scene);
    };
    if (holds_out(scene) && std::none_of(scenes.begin(), scenes.end(), confused)) scenes.push_back(scene);
  }
  return scenes;
}

}  // namespace beeld::scenes
