#include "data/scenes/gallery.h"

#include <beeld/error.h>

#include <fstream>

#include "data/scenes/dice.h"
#include "data/scenes/shards.h"

namespace beeld::scenes {

namespace {

constexpr int side = 256;
constexpr int quality = 82;

constexpr auto left_of = Relation::left_of, right_of = Relation::right_of, above = Relation::above,
               below = Relation::below;
constexpr auto medium = Size::medium;

}  // namespace

const std::vector<Scene>& gallery_scenes() {
  using enum Thing;
  using enum Color;
  using enum Size;
  using enum Background;
  static const std::vector<Scene> scenes{
      {sea, {boat, red}},
      {sea, {boat, white, Size::medium, 3}},
      {sea, {fish, orange, big}},
      {sea, {bird, white}, Neighbor{above, {boat, brown}}},
      {sea, {balloon, yellow}, {}, Place::top},
      {sunset, {boat, black}, Neighbor{left_of, {boat, white}}},
      {sunset, {house, white}},
      {sunset, {plane, yellow}, {}, Place::top},
      {sunset, {bird, black, medium, 4}},
      {sunset, {tree, green, big}},
      {beach, {umbrella, red, big}},
      {beach, {ball, blue}, Neighbor{right_of, {chair, orange}}},
      {beach, {star, orange, medium, 5}},
      {beach, {dog, brown}},
      {beach, {boat, green}, {}, Place::left},
      {beach, {cup, purple, small}},
      {grass, {house, red, big}},
      {grass, {flower, yellow, medium, 5}},
      {grass, {cat, black}, Neighbor{left_of, {tree, orange}}},
      {grass, {dog, white}, Neighbor{right_of, {ball, red}}},
      {grass, {butterfly, purple, big}},
      {grass, {butterfly, orange}, Neighbor{above, {flower, pink, medium, 2}}},
      {grass, {mushroom, red, medium, 3}},
      {grass, {train, blue}},
      {grass, {sun, yellow}, Neighbor{above, {house, white}}},
      {snow, {house, brown}},
      {snow, {tree, green, medium, 4}},
      {snow, {cat, orange, big}},
      {snow, {bird, blue}},
      {snow, {car, red}, {}, Place::bottom},
      {snow, {dog, black}, Neighbor{left_of, {dog, brown}}},
      {snow, {train, green}},
      {street, {car, yellow, big}},
      {street, {car, blue, medium, 3}},
      {street, {umbrella, purple}},
      {street, {cat, white}, Neighbor{right_of, {car, red}}},
      {street, {tree, green}, Neighbor{left_of, {house, orange}}},
      {street, {balloon, pink, medium, 4}},
      {room, {chair, blue}},
      {room, {cup, green}, Neighbor{below, {book, red}}},
      {room, {cat, black}, Neighbor{left_of, {chair, purple}}},
      {room, {apple, green, medium, 3}},
      {room, {book, blue, big}},
      {room, {flower, pink}, Neighbor{right_of, {cup, white}}},
      {room, {ball, yellow, medium, 2}},
      {night, {moon, yellow, big}},
      {night, {star, yellow, medium, 5}},
      {night, {moon, white}, Neighbor{above, {house, orange}}},
      {night, {cat, white}, {}, Place::bottom},
      {night, {plane, red}},
      {night, {cloud, purple}, Neighbor{left_of, {star, pink}}},
      {plain_white, {apple, red, big}},
      {plain_white, {heart, pink, medium, 3}},
      {plain_white, {triangle, green}, Neighbor{below, {circle, purple}}},
      {plain_blue, {cloud, white, medium, 3}},
      {plain_blue, {plane, orange}, {}, Place::right},
      {plain_yellow, {square, blue}, Neighbor{left_of, {square, red}}},
      {plain_pink, {heart, red, big}},
      {plain_green, {fish, blue, medium, 2}},
      {plain_gray, {ring, orange, medium, 4}},
  };
  return scenes;
}

std::string gallery_name(const Scene& scene) {
  std::string name = caption(scene, 0, Language::english);
  for (const std::string article : {"a ", "an "})
    if (name.starts_with(article)) name.erase(0, article.size());
  for (auto& letter : name)
    if (letter == ' ') letter = '-';
  return name + ".jpg";
}

void write_gallery(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  std::uint64_t number = 0;
  for (const auto& scene : gallery_scenes()) {
    const auto path = folder / gallery_name(scene);
    std::ofstream file(path, std::ios::binary);
    file << encoded({scene, mix(number++), {}}, side, quality);
    if (!file.flush()) throw Error(ErrorCode::io, "[scenes] " + path.string() + ": cannot be written");
  }
}

}  // namespace beeld::scenes
