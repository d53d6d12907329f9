#include <array>

#include "data/scenes/things.h"

namespace beeld::scenes {

void draw_tree(Pen& pen) {
  pen.shape({{-0.14, 0.2}, {0.14, 0.2}, {0.2, 1}, {-0.2, 1}}, Tone::wood);
  const std::array<Path, 4> crown{ellipse({-0.4, 0.02}, 0.42, 0.38), ellipse({0.4, 0.02}, 0.42, 0.38),
                                  ellipse({0, -0.5}, 0.48, 0.44), ellipse({0, -0.02}, 0.5, 0.4)};
  pen.shapes(crown, Tone::body);
  pen.patch(ellipse({-0.16, -0.5}, 0.22, 0.2), Tone::light);
  pen.patch(ellipse({0.36, 0.06}, 0.2, 0.16), Tone::shade);
}

void draw_flower(Pen& pen) {
  pen.line({{0, 0}, {0.03, 0.5}, {0, 1}}, 0.14, Tone::leaf);
  pen.patch(smooth({{0, 0.86}, {0.24, 0.5}, {0.58, 0.44}, {0.36, 0.78}}), Tone::leaf);
  pen.patch(smooth({{0, 0.92}, {-0.24, 0.6}, {-0.56, 0.56}, {-0.34, 0.86}}), Tone::leaf);
  std::vector<Path> petals;
  for (int petal = 0; petal < 6; ++petal)
    petals.push_back(moved(turned(ellipse({0, -0.42}, 0.21, 0.26), 60.0 * petal), {0, -0.32}));
  pen.shapes(petals, Tone::body);
  pen.shape(ellipse({0, -0.32}, 0.2, 0.2), Tone::paper);
}

void draw_mushroom(Pen& pen) {
  pen.shape(smooth({{-0.22, 0.05}, {0.22, 0.05}, {0.26, 0.6}, {0.32, 0.9}, {-0.32, 0.9}, {-0.26, 0.6}}),
            Tone::paper);
  Path cap = ellipse({0, 0.1}, 0.95, 0.98, {180, 360});
  cap.emplace_back(0.5, 0.24);
  cap.emplace_back(-0.5, 0.24);
  pen.shape(cap, Tone::body);
  pen.patch(ellipse({-0.42, -0.2}, 0.17, 0.17), Tone::paper);
  pen.patch(ellipse({0.12, -0.52}, 0.19, 0.17), Tone::paper);
  pen.patch(ellipse({0.52, -0.12}, 0.16, 0.16), Tone::paper);
}

void draw_apple(Pen& pen) {
  pen.line({{0, -0.4}, {0.04, -0.7}, {0.14, -0.92}}, 0.13, Tone::wood);
  pen.shape(smooth({{0, -0.42},
                    {0.42, -0.56},
                    {0.86, -0.26},
                    {0.82, 0.3},
                    {0.46, 0.86},
                    {0.16, 0.9},
                    {0, 0.84},
                    {-0.16, 0.9},
                    {-0.46, 0.86},
                    {-0.82, 0.3},
                    {-0.86, -0.26},
                    {-0.42, -0.56}}),
            Tone::body);
  pen.patch(smooth({{0.12, -0.64}, {0.34, -0.9}, {0.7, -0.88}, {0.46, -0.64}}), Tone::leaf);
  pen.patch(turned(ellipse({-0.46, -0.14}, 0.13, 0.24), 10), Tone::light);
}

}  // namespace beeld::scenes
