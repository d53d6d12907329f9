#include <array>
#include <string_view>

#include "data/scenes/captions.h"

namespace beeld::scenes {

namespace {

struct Noun {
  const char* one;
  const char* many;
};

// In the order of Thing.
constexpr std::array<Noun, thing_count> nouns{{
    {"house", "houses"},
    {"tree", "trees"},
    {"sun", "suns"},
    {"moon", "moons"},
    {"star", "stars"},
    {"cloud", "clouds"},
    {"boat", "boats"},
    {"car", "cars"},
    {"train", "trains"},
    {"plane", "planes"},
    {"cat", "cats"},
    {"dog", "dogs"},
    {"bird", "birds"},
    {"fish", "fish"},
    {"flower", "flowers"},
    {"cup", "cups"},
    {"ball", "balls"},
    {"apple", "apples"},
    {"umbrella", "umbrellas"},
    {"chair", "chairs"},
    {"book", "books"},
    {"balloon", "balloons"},
    {"butterfly", "butterflies"},
    {"mushroom", "mushrooms"},
    {"circle", "circles"},
    {"square", "squares"},
    {"triangle", "triangles"},
    {"heart", "hearts"},
    {"ring", "rings"},
}};

constexpr std::array<const char*, color_count> colors{"red",    "orange", "yellow", "green", "blue",
                                                      "purple", "pink",   "brown",  "black", "white"};

constexpr std::array<const char*, most_of_a_thing + 1> numbers{"no", "a", "two", "three", "four", "five"};

/// The same said in two ways; which is taken is the wording's choice.
using Ways = std::array<const char*, 2>;
enum Way : std::size_t { usual, other };

// In the order of Size, Place, Relation and Background.
constexpr std::array<Ways, 3> sizes{{{"small ", "little "}, {"", ""}, {"big ", "large "}}};
constexpr std::array<Ways, 5> places{{{"", "in the middle"},
                                      {"on the left", "on the left side"},
                                      {"on the right", "on the right side"},
                                      {"at the top", "near the top"},
                                      {"at the bottom", "near the bottom"}}};
constexpr std::array<Ways, 4> relations{
    {{"left of", "to the left of"}, {"right of", "to the right of"}, {"above", "over"}, {"below", "under"}}};
constexpr std::array<Ways, background_count> settings{{
    {"on a white background", "against a white background"},
    {"on a gray background", "against a gray background"},
    {"on a blue background", "against a blue background"},
    {"on a yellow background", "against a yellow background"},
    {"on a green background", "against a green background"},
    {"on a pink background", "against a pink background"},
    {"at night", "in the dark night"},
    {"on the grass", "in a grassy field"},
    {"on the sea", "at sea"},
    {"on the beach", "on a sandy beach"},
    {"in the snow", "on a snowy day"},
    {"in the street", "on a city street"},
    {"in a room", "indoors"},
    {"at sunset", "at sundown"},
}};

std::string noun(const Group& group) {
  const auto& [one, many] = nouns[index_of(group.thing)];
  return group.count == 1 ? one : many;
}

/// "big red cats".
std::string noun_phrase(const Group& group, Way way) {
  return std::string(sizes[index_of(group.size)][way]) + colors[index_of(group.color)] + " " + noun(group);
}

/// With the number or the article before it.
std::string counted(int count, const std::string& phrase) {
  const bool vowel = std::string_view("aeiou").find(phrase.front()) != std::string_view::npos;
  return (count == 1 && vowel ? "an" : numbers[static_cast<std::size_t>(count)]) + (" " + phrase);
}

std::string described(const Group& group, Way way) { return counted(group.count, noun_phrase(group, way)); }

/// As typed into a search: two things with their colours, or one without where it is seen.
std::string shortest(const Scene& scene) {
  const auto named = [](Group group) {
    group.size = Size::medium;
    return group.count == 1 ? noun_phrase(group, usual) : described(group, usual);
  };
  if (scene.second) return named(scene.first) + " and " + named(scene.second->group);
  return counted(scene.first.count, noun(scene.first)) + " " + settings[index_of(scene.background)][usual];
}

/// The things and how they are arranged.
std::string arranged(const Scene& scene, Way way) {
  if (scene.second)
    return described(scene.first, way) + " " + relations[index_of(scene.second->relation)][way] + " " +
           described(scene.second->group, way);
  const std::string place = scene.first.count == 1 ? places[index_of(scene.place)][way] : "";
  return described(scene.first, way) + (place.empty() ? "" : " ") + place;
}

}  // namespace

std::string english_caption(const Scene& scene, int wording) {
  const Ways& setting = settings[index_of(scene.background)];
  const Scene turned = turned_around(scene);
  switch (wording) {
    case 1:
      return shortest(scene);
    case 2:
      return setting[usual] + (", " + arranged(scene, other));
    case 3:
      return "a drawing of " + arranged(turned, usual);
    case 4:
      return (turned.first.count == 1 ? "there is " : "there are ") + arranged(turned, other) + " " +
             setting[other];
    default:
      return arranged(scene, usual) + " " + setting[usual];
  }
}

}  // namespace beeld::scenes
