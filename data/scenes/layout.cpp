#include "data/scenes/layout.h"

#include <algorithm>
#include <array>
#include <utility>

namespace beeld::scenes {

namespace {

double choose(Size size, const std::array<double, 3>& radii) { return radii[index_of(size)]; }

cv::Point2d jitter(Dice& dice, double by) { return {dice.uniform(-by, by), dice.uniform(-by, by)}; }

cv::Point2d anchor(Place place) {
  switch (place) {
    case Place::left:
      return {0.23, 0.5};
    case Place::right:
      return {0.77, 0.5};
    case Place::top:
      return {0.5, 0.23};
    case Place::bottom:
      return {0.5, 0.77};
    case Place::middle:
      break;
  }
  return {0.5, 0.5};
}

std::vector<Spot> one_thing(const Scene& scene, Dice& dice) {
  const bool middle = scene.place == Place::middle;
  const double radius =
      choose(scene.first.size, {0.13, middle ? 0.27 : 0.2, 0.39}) * dice.uniform(0.93, 1.07);
  return {
      {scene.first, anchor(scene.place) + jitter(dice, scene.first.size == Size::big ? 0.03 : 0.05), radius}};
}

std::vector<Spot> several(const Group& group, Dice& dice) {
  using Points = std::vector<cv::Point2d>;
  static const std::array<Points, 4> arrangements{
      Points{{0.27, 0.5}, {0.73, 0.5}}, Points{{0.27, 0.3}, {0.73, 0.3}, {0.5, 0.72}},
      Points{{0.27, 0.27}, {0.73, 0.27}, {0.27, 0.73}, {0.73, 0.73}},
      Points{{0.19, 0.2}, {0.81, 0.2}, {0.5, 0.5}, {0.19, 0.8}, {0.81, 0.8}}};
  constexpr std::array<double, 4> radii{0.2, 0.185, 0.18, 0.155};
  const auto kind = static_cast<std::size_t>(group.count - 2);
  const double radius = radii[kind] * dice.uniform(0.93, 1.05);
  std::vector<Spot> spots;
  for (const auto& point : arrangements[kind]) spots.push_back({group, point + jitter(dice, 0.035), radius});
  return spots;
}

/// A column in a half of the picture whose middle line is at `x`.
std::vector<Spot> column(const Group& group, double x, Dice& dice) {
  if (group.count == 1) {
    const double radius = choose(group.size, {0.12, 0.185, 0.24}) * dice.uniform(0.95, 1.05);
    return {{group, {x + dice.uniform(-0.02, 0.02), 0.5 + dice.uniform(-0.13, 0.13)}, radius}};
  }
  const double radius = group.count == 2 ? 0.17 : 0.14;
  std::vector<Spot> spots;
  for (int i = 0; i < group.count; ++i)
    spots.push_back({group, cv::Point2d(x, (i + 0.5) / group.count) + jitter(dice, 0.025), radius});
  return spots;
}

std::vector<Spot> pair(const Group& first, const Neighbor& second, Dice& dice) {
  const bool first_is_near = second.relation == Relation::left_of || second.relation == Relation::above;
  auto spots = column(first, first_is_near ? 0.25 : 0.75, dice);
  for (const auto& spot : column(second.group, first_is_near ? 0.75 : 0.25, dice)) spots.push_back(spot);
  if (second.relation == Relation::above || second.relation == Relation::below)
    for (auto& spot : spots) std::swap(spot.center.x, spot.center.y);
  return spots;
}

}  // namespace

std::vector<Spot> lay_out(const Scene& scene, Dice& dice) {
  auto spots = scene.second             ? pair(scene.first, *scene.second, dice)
               : scene.first.count == 1 ? one_thing(scene, dice)
                                        : several(scene.first, dice);
  // Nothing leaves the picture.
  for (auto& [group, center, radius] : spots)
    center = {std::clamp(center.x, radius, 1 - radius), std::clamp(center.y, radius, 1 - radius)};
  return spots;
}

}  // namespace beeld::scenes
