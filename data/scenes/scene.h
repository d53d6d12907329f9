#pragma once

#include <optional>

#include "data/scenes/vocabulary.h"

namespace beeld::scenes {

/// Some things of one kind and colour.
struct Group {
  Thing thing;
  Color color;
  Size size = Size::medium;
  int count = 1;  ///< 1 to most_of_a_thing.

  bool operator==(const Group&) const = default;
};

/// A second group, and where the first is, seen from it.
struct Neighbor {
  Relation relation;
  Group group;

  bool operator==(const Neighbor&) const = default;
};

/// What a picture shows. Position within these bounds, angle, shade and line are the seed's.
struct Scene {
  Background background;
  Group first;
  std::optional<Neighbor> second = std::nullopt;
  Place place = Place::middle;  ///< Of a single thing without a neighbor.

  bool operator==(const Scene&) const = default;
};

constexpr Relation inverse(Relation relation) {
  switch (relation) {
    case Relation::left_of:
      return Relation::right_of;
    case Relation::right_of:
      return Relation::left_of;
    case Relation::above:
      return Relation::below;
    case Relation::below:
      break;
  }
  return Relation::above;
}

/// The same scene, told from its second group.
constexpr Scene turned_around(const Scene& scene) {
  if (!scene.second) return scene;
  return {scene.background, scene.second->group, Neighbor{inverse(scene.second->relation), scene.first}};
}

}  // namespace beeld::scenes
