#include "data/scenes/things.h"

#include <array>

namespace beeld::scenes {

void draw_thing(Thing thing, Pen& pen) {
  // In the order of Thing.
  constexpr std::array<void (*)(Pen&), thing_count> draw{
      draw_house,    draw_tree,   draw_sun,      draw_moon,    draw_star,      draw_cloud,
      draw_boat,     draw_car,    draw_train,    draw_plane,   draw_cat,       draw_dog,
      draw_bird,     draw_fish,   draw_flower,   draw_cup,     draw_ball,      draw_apple,
      draw_umbrella, draw_chair,  draw_book,     draw_balloon, draw_butterfly, draw_mushroom,
      draw_circle,   draw_square, draw_triangle, draw_heart,   draw_ring};
  draw[index_of(thing)](pen);
}

}  // namespace beeld::scenes
