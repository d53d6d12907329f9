#include <array>

#include "data/scenes/things.h"

namespace beeld::scenes {

void draw_sun(Pen& pen) {
  constexpr int rays = 8;
  for (int ray = 0; ray < rays; ++ray)
    pen.shape(turned({{-0.17, -0.62}, {0, -1}, {0.17, -0.62}}, 360.0 * ray / rays), Tone::body);
  pen.shape(ellipse({0, 0}, 0.53, 0.53), Tone::body);
  pen.patch(ellipse({-0.1, -0.1}, 0.34, 0.34), Tone::light);
}

void draw_moon(Pen& pen) { pen.shape(turned(moved(crescent(0.95), {0.12, 0}), -20), Tone::body); }

void draw_star(Pen& pen) { pen.shape(star(5, 1, 0.42), Tone::body); }

void draw_cloud(Pen& pen) {
  const std::array<Path, 4> puffs{ellipse({-0.56, 0.16}, 0.4, 0.36), ellipse({-0.12, -0.16}, 0.46, 0.46),
                                  ellipse({0.36, -0.02}, 0.38, 0.38), ellipse({0.62, 0.22}, 0.34, 0.3)};
  pen.shapes(puffs, Tone::body);
  pen.patch({{-0.6, 0.2}, {0.62, 0.2}, {0.62, 0.52}, {-0.56, 0.52}}, Tone::body);
  pen.patch(ellipse({-0.16, -0.24}, 0.28, 0.24), Tone::light);
}

}  // namespace beeld::scenes
