#include <array>

#include "data/scenes/things.h"

namespace beeld::scenes {

namespace {

void eye(Pen& pen, cv::Point2d center, double radius) {
  pen.patch(ellipse(center, radius, radius), Tone::paper);
  pen.patch(ellipse(center, radius * 0.62, radius * 0.62), Tone::detail);
}

}  // namespace

void draw_cat(Pen& pen) {
  // Sitting, seen from the front.
  pen.tube({{0.36, 0.8}, {0.72, 0.76}, {0.88, 0.44}, {0.76, 0.14}, {0.86, -0.06}}, 0.14, Tone::body);
  pen.shape(smooth({{-0.26, 0}, {0.26, 0}, {0.5, 0.6}, {0.48, 0.96}, {-0.48, 0.96}, {-0.5, 0.6}}),
            Tone::body);
  pen.patch(smooth({{-0.16, 0.3}, {0.16, 0.3}, {0.22, 0.7}, {-0.22, 0.7}}), Tone::light);
  const std::array<Path, 3> head{Path{{-0.6, -0.4}, {-0.58, -1}, {-0.1, -0.7}},
                                 Path{{0.6, -0.4}, {0.58, -1}, {0.1, -0.7}}, ellipse({0, -0.36}, 0.62, 0.46)};
  pen.shapes(head, Tone::body);
  pen.patch({{-0.5, -0.66}, {-0.5, -0.86}, {-0.3, -0.72}}, Tone::light);
  pen.patch({{0.5, -0.66}, {0.5, -0.86}, {0.3, -0.72}}, Tone::light);
  eye(pen, {-0.26, -0.42}, 0.14);
  eye(pen, {0.26, -0.42}, 0.14);
  pen.patch({{-0.09, -0.24}, {0.09, -0.24}, {0, -0.13}}, Tone::detail);
  for (const double side : {-1.0, 1.0}) {
    pen.line({{side * 0.24, -0.16}, {side * 0.8, -0.26}}, 0.045, Tone::line);
    pen.line({{side * 0.24, -0.1}, {side * 0.8, -0.04}}, 0.045, Tone::line);
  }
}

void draw_dog(Pen& pen) {
  // Standing, seen from the side.
  pen.tube({{-0.72, 0.06}, {-0.9, -0.2}, {-0.94, -0.46}}, 0.13, Tone::body);
  for (const double x : {-0.56, 0.3})
    pen.shape({{x - 0.1, 0.3}, {x + 0.14, 0.3}, {x + 0.12, 0.9}, {x - 0.1, 0.9}}, Tone::shade);
  const std::array<Path, 5> body{
      smooth({{-0.78, -0.06}, {0, -0.1}, {0.4, -0.2}, {0.5, 0.3}, {0, 0.44}, {-0.7, 0.42}}),
      Path{{-0.78, 0.2}, {-0.5, 0.2}, {-0.54, 0.92}, {-0.78, 0.92}},
      Path{{0.1, 0.2}, {0.36, 0.2}, {0.34, 0.92}, {0.1, 0.92}}, ellipse({0.46, -0.44}, 0.37, 0.36),
      smooth({{0.5, -0.48}, {0.9, -0.42}, {0.98, -0.24}, {0.86, -0.12}, {0.5, -0.14}})};
  pen.shapes(body, Tone::body);
  pen.shape(smooth({{0.12, -0.72}, {0.3, -0.72}, {0.36, -0.4}, {0.26, 0}, {0.06, 0}, {0.02, -0.4}}),
            Tone::shade);
  eye(pen, {0.55, -0.52}, 0.1);
  pen.patch(ellipse({0.92, -0.36}, 0.12, 0.1), Tone::detail);
}

void draw_bird(Pen& pen) {
  pen.line({{-0.1, 0.5}, {-0.14, 0.94}, {0.04, 0.94}}, 0.09, Tone::line);
  pen.line({{0.16, 0.5}, {0.16, 0.94}, {0.34, 0.94}}, 0.09, Tone::line);
  pen.shape({{-0.4, 0.1}, {-1, -0.24}, {-1, 0.16}, {-0.5, 0.4}}, Tone::shade);
  pen.shape({{0.72, -0.58}, {1.04, -0.4}, {0.72, -0.26}}, Tone::detail);
  const std::array<Path, 2> body{
      smooth({{-0.66, 0.14}, {-0.1, -0.26}, {0.5, -0.3}, {0.66, 0.1}, {0.3, 0.58}, {-0.3, 0.56}}),
      ellipse({0.46, -0.44}, 0.38, 0.36)};
  pen.shapes(body, Tone::body);
  pen.shape(smooth({{0.24, 0.04}, {0.18, 0.34}, {-0.2, 0.4}, {-0.62, 0.2}, {-0.2, 0}}), Tone::shade);
  eye(pen, {0.54, -0.52}, 0.12);
}

void draw_fish(Pen& pen) {
  pen.shape({{-0.4, 0}, {-0.98, -0.5}, {-0.84, 0}, {-0.98, 0.5}}, Tone::shade);
  pen.shape(smooth({{-0.2, -0.4}, {0, -0.72}, {0.34, -0.36}}), Tone::shade);
  pen.shape(
      smooth(
          {{0.98, 0}, {0.62, -0.38}, {0.1, -0.46}, {-0.6, -0.06}, {-0.6, 0.06}, {0.1, 0.46}, {0.62, 0.38}}),
      Tone::body);
  pen.patch(smooth({{0.1, 0.06}, {-0.24, 0.02}, {-0.22, 0.28}}), Tone::shade);
  pen.line(ellipse({0.2, 0}, 0.22, 0.36, {-60, 60}), 0.06, Tone::shade);
  eye(pen, {0.64, -0.1}, 0.13);
}

void draw_butterfly(Pen& pen) {
  pen.line({{0, -0.4}, {-0.12, -0.7}, {-0.3, -0.86}}, 0.06, Tone::line);
  pen.line({{0, -0.4}, {0.12, -0.7}, {0.3, -0.86}}, 0.06, Tone::line);
  const Path upper = smooth({{0.04, 0}, {0.2, -0.46}, {0.66, -0.84}, {0.98, -0.6}, {0.86, -0.1}, {0.4, 0.1}});
  const Path lower = smooth({{0.04, 0.04}, {0.46, 0.06}, {0.78, 0.36}, {0.64, 0.8}, {0.3, 0.72}});
  for (const Path& wing : {lower, mirrored(lower)}) pen.shape(wing, Tone::shade);
  for (const Path& wing : {upper, mirrored(upper)}) pen.shape(wing, Tone::body);
  for (const double side : {-1.0, 1.0}) {
    pen.patch(ellipse({side * 0.64, -0.44}, 0.16, 0.16), Tone::paper);
    pen.patch(ellipse({side * 0.48, 0.46}, 0.1, 0.1), Tone::paper);
  }
  pen.shape(ellipse({0, 0.08}, 0.09, 0.52), Tone::detail);
}

}  // namespace beeld::scenes
