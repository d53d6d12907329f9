#include "data/scenes/claims.h"

namespace beeld::scenes {

namespace {

bool fits_group(const Claims& claims, const Group& told, const Group& seen) {
  const bool sized = claims.sizes == Claims::Sizes::stated && told.size != Size::medium;
  const bool colored = claims.colors == Claims::Colors::stated;
  return told.thing == seen.thing && told.count <= seen.count && (!colored || told.color == seen.color) &&
         (!sized || told.size == seen.size);
}

bool fits_pair(const Claims& claims, const Scene& told, const Scene& seen) {
  const auto fits_as = [&](const Group& first, Relation relation, const Group& second) {
    return fits_group(claims, told.first, first) && fits_group(claims, told.second->group, second) &&
           (claims.arrangement == Claims::Arrangement::open || relation == told.second->relation);
  };
  const auto& [relation, other] = *seen.second;
  return fits_as(seen.first, relation, other) || fits_as(other, inverse(relation), seen.first);
}

}  // namespace

bool fits(const Claims& claims, const Scene& told, const Scene& seen) {
  if (claims.setting == Claims::Setting::stated && told.background != seen.background) return false;
  if (told.second) return seen.second && fits_pair(claims, told, seen);
  if (seen.second)
    return fits_group(claims, told.first, seen.first) || fits_group(claims, told.first, seen.second->group);
  const bool placed = claims.arrangement == Claims::Arrangement::stated && told.place != Place::middle;
  return fits_group(claims, told.first, seen.first) && (!placed || told.place == seen.place);
}

}  // namespace beeld::scenes
