#pragma once

#include <array>
#include <cstddef>

namespace beeld::scenes {

/// What a picture can show. The order is part of the data: held-out combinations are computed from it.
enum class Thing {
  house,
  tree,
  sun,
  moon,
  star,
  cloud,
  boat,
  car,
  train,
  plane,
  cat,
  dog,
  bird,
  fish,
  flower,
  cup,
  ball,
  apple,
  umbrella,
  chair,
  book,
  balloon,
  butterfly,
  mushroom,
  circle,
  square,
  triangle,
  heart,
  ring,
};

enum class Color { red, orange, yellow, green, blue, purple, pink, brown, black, white };

/// Medium is never mentioned.
enum class Size { small, medium, big };

/// Where a thing stands that is alone in its picture.
enum class Place { middle, left, right, top, bottom };

/// The first group of a scene, seen from the second.
enum class Relation { left_of, right_of, above, below };

enum class Background {
  plain_white,
  plain_gray,
  plain_blue,
  plain_yellow,
  plain_green,
  plain_pink,
  night,
  grass,
  sea,
  beach,
  snow,
  street,
  room,
  sunset,
};

inline constexpr std::size_t thing_count = 29;
inline constexpr std::size_t color_count = 10;
inline constexpr std::size_t background_count = 14;
inline constexpr int most_of_a_thing = 5;

template <class Enum>
constexpr std::size_t index_of(Enum value) {
  return static_cast<std::size_t>(value);
}

static_assert(index_of(Thing::ring) + 1 == thing_count);
static_assert(index_of(Color::white) + 1 == color_count);
static_assert(index_of(Background::sunset) + 1 == background_count);

/// Whether a thing of that colour would vanish before the background.
constexpr bool vanishes(Color color, Background background) {
  constexpr auto none = static_cast<Color>(color_count);
  struct Pair {
    Color first, second;
  };
  constexpr std::array<Pair, background_count> hidden{{
      {Color::white, none},         // plain_white
      {none, none},                 // plain_gray
      {Color::blue, none},          // plain_blue
      {Color::yellow, none},        // plain_yellow
      {Color::green, none},         // plain_green
      {Color::pink, none},          // plain_pink
      {Color::black, Color::blue},  // night
      {Color::green, none},         // grass
      {Color::blue, none},          // sea
      {Color::yellow, none},        // beach
      {Color::white, none},         // snow
      {Color::black, none},         // street
      {Color::brown, none},         // room
      {Color::orange, none},        // sunset
  }};
  const Pair pair = hidden[index_of(background)];
  return color == pair.first || color == pair.second;
}

}  // namespace beeld::scenes
