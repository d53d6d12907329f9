#include "data/scenes/things.h"

namespace beeld::scenes {

void draw_house(Pen& pen) {
  pen.shape({{0.4, -0.84}, {0.62, -0.84}, {0.62, -0.3}, {0.4, -0.3}}, Tone::shade);
  pen.shape({{-0.74, -0.14}, {0.74, -0.14}, {0.74, 0.92}, {-0.74, 0.92}}, Tone::body);
  pen.shape({{0, -0.94}, {1, -0.08}, {-1, -0.08}}, Tone::shade);
  pen.patch({{0.14, 0.3}, {0.5, 0.3}, {0.5, 0.92}, {0.14, 0.92}}, Tone::detail);
  pen.patch({{-0.56, 0.14}, {-0.12, 0.14}, {-0.12, 0.54}, {-0.56, 0.54}}, Tone::paper);
}

void draw_cup(Pen& pen) {
  pen.tube(ellipse({0.5, 0.1}, 0.34, 0.32, {-90, 90}), 0.13, Tone::body);
  pen.shape(smooth({{-0.72, -0.5},
                    {-0.72, -0.5},
                    {0.52, -0.5},
                    {0.52, -0.5},
                    {0.44, 0.6},
                    {0.2, 0.82},
                    {-0.4, 0.82},
                    {-0.64, 0.6}}),
            Tone::body);
  pen.shape(ellipse({-0.1, -0.52}, 0.62, 0.17), Tone::light);
  pen.patch(ellipse({-0.1, -0.5}, 0.48, 0.09), Tone::wood);
}

void draw_ball(Pen& pen) {
  pen.shape(ellipse({0, 0}, 0.92, 0.92), Tone::body);
  // Three white segments between the seams of a beach ball.
  for (const double turn : {0.0, 120.0, 240.0}) {
    Path segment = ellipse({0, 0}, 0.9, 0.9, {-30, 30});
    segment.emplace_back(0.36, 0.42);
    segment.emplace_back(0, 0);
    segment.emplace_back(0.5, -0.1);
    pen.patch(turned(segment, turn - 70), Tone::paper);
  }
  pen.shape(ellipse({0, 0}, 0.13, 0.13), Tone::body);
}

void draw_umbrella(Pen& pen) {
  pen.line({{0, -0.96}, {0, 0.72}}, 0.11, Tone::line);
  pen.line(ellipse({-0.17, 0.72}, 0.17, 0.2, {0, 180}), 0.11, Tone::line);
  Path canopy = ellipse({0, 0.04}, 0.98, 0.88, {180, 360});
  for (const double x : {0.65, 0.0, -0.65}) {
    const Path scallop = ellipse({x, 0.04}, 0.33, 0.2, {0, -180});
    canopy.insert(canopy.end(), scallop.begin(), scallop.end());
  }
  pen.shape(canopy, Tone::body);
  pen.patch(smooth({{0, -0.82}, {0.3, -0.4}, {0.32, -0.06}, {0, -0.16}, {-0.32, -0.06}, {-0.3, -0.4}}),
            Tone::light);
}

void draw_chair(Pen& pen) {
  pen.shape({{-0.2, 0.1}, {-0.06, 0.1}, {-0.06, 0.7}, {-0.2, 0.7}}, Tone::shade);
  pen.shape({{0.56, 0.1}, {0.7, 0.1}, {0.7, 0.7}, {0.56, 0.7}}, Tone::shade);
  pen.shape({{-0.74, -1}, {-0.5, -0.94}, {-0.5, 0.2}, {-0.66, 0.96}, {-0.84, 0.96}, {-0.74, 0.1}},
            Tone::body);
  pen.shape({{0.42, 0.2}, {0.64, 0.2}, {0.64, 0.96}, {0.42, 0.96}}, Tone::body);
  pen.shape({{-0.74, 0.22}, {-0.44, -0.06}, {0.86, -0.06}, {0.7, 0.26}}, Tone::body);
}

void draw_book(Pen& pen) {
  // Closed and lying at a slant: the cover, and the pages at the bottom and the right.
  pen.shape({{-0.84, 0.62}, {-0.5, -0.86}, {0.86, -0.86}, {0.86, -0.6}, {0.56, 0.86}, {-0.76, 0.86}},
            Tone::shade);
  pen.patch({{-0.72, 0.66}, {0.5, 0.66}, {0.82, -0.76}, {0.82, -0.6}, {0.52, 0.8}, {-0.68, 0.8}},
            Tone::paper);
  pen.shape({{-0.84, 0.58}, {-0.5, -0.9}, {0.84, -0.9}, {0.5, 0.58}}, Tone::body);
  pen.patch({{-0.2, -0.62}, {0.46, -0.62}, {0.36, -0.2}, {-0.3, -0.2}}, Tone::paper);
}

void draw_balloon(Pen& pen) {
  pen.line({{0, 0.4}, {0.1, 0.6}, {-0.08, 0.8}, {0.04, 1}}, 0.07, Tone::line);
  pen.shape({{0, 0.36}, {0.14, 0.56}, {-0.14, 0.56}}, Tone::body);
  pen.shape(smooth({{0, -1},
                    {0.5, -0.82},
                    {0.68, -0.32},
                    {0.4, 0.2},
                    {0, 0.44},
                    {-0.4, 0.2},
                    {-0.68, -0.32},
                    {-0.5, -0.82}}),
            Tone::body);
  pen.patch(turned(ellipse({-0.42, -0.36}, 0.11, 0.24), 24), Tone::paper);
}

}  // namespace beeld::scenes
