#include "data/scenes/held_out.h"

#include <utility>

#include "data/scenes/dice.h"

namespace beeld::scenes {

bool held_out(Color color, Thing thing) {
  // Colours follow each other from thing to thing, so that each is missed by about the same number of things.
  return (index_of(thing) * 7 + 3) % color_count == index_of(color);
}

bool held_out(Relation relation, Thing first, Thing second) {
  if (relation == Relation::right_of || relation == Relation::below) {
    relation = inverse(relation);
    std::swap(first, second);
  }
  const auto triple = (index_of(relation) * thing_count + index_of(first)) * thing_count + index_of(second);
  return mix(triple) % 10 == 0;
}

bool holds_out(const Scene& scene) {
  if (held_out(scene.first.color, scene.first.thing)) return true;
  if (!scene.second) return false;
  const auto& [relation, other] = *scene.second;
  return held_out(other.color, other.thing) || held_out(relation, scene.first.thing, other.thing);
}

}  // namespace beeld::scenes
