#include "data/scenes/things.h"

namespace beeld::scenes {

namespace {

void wheel(Pen& pen, cv::Point2d center, double radius) {
  pen.shape(ellipse(center, radius, radius), Tone::detail);
  pen.patch(ellipse(center, radius * 0.45, radius * 0.45), Tone::paper);
}

}  // namespace

void draw_boat(Pen& pen) {
  pen.line({{0, 0.4}, {0, -1}}, 0.1, Tone::line);
  pen.shape({{0.1, -0.9}, {0.74, 0.2}, {0.1, 0.2}}, Tone::body);
  pen.shape({{-0.1, -0.6}, {-0.1, 0.2}, {-0.6, 0.2}}, Tone::light);
  pen.shape({{-1, 0.36}, {1, 0.36}, {0.62, 0.86}, {-0.66, 0.86}}, Tone::body);
  pen.patch({{-0.94, 0.4}, {0.94, 0.4}, {0.86, 0.52}, {-0.86, 0.52}}, Tone::shade);
}

void draw_car(Pen& pen) {
  pen.shape({{-0.62, 0}, {-0.4, -0.5}, {0.3, -0.5}, {0.58, 0}}, Tone::body);
  pen.shape(smooth({{-0.98, 0.02}, {-0.6, -0.06}, {0.56, -0.06}, {0.94, 0.08}, {1, 0.44}, {-0.98, 0.44}}),
            Tone::body);
  pen.patch({{-0.48, -0.06}, {-0.32, -0.4}, {-0.1, -0.4}, {-0.1, -0.06}}, Tone::paper);
  pen.patch({{0.02, -0.06}, {0.02, -0.4}, {0.24, -0.4}, {0.42, -0.06}}, Tone::paper);
  wheel(pen, {-0.54, 0.46}, 0.24);
  wheel(pen, {0.54, 0.46}, 0.24);
}

void draw_train(Pen& pen) {
  pen.shape({{0.36, -0.76}, {0.72, -0.76}, {0.64, -0.2}, {0.44, -0.2}}, Tone::shade);
  pen.shape({{-0.3, -0.28}, {0.84, -0.28}, {0.92, -0.1}, {0.92, 0.36}, {-0.3, 0.36}}, Tone::body);
  pen.shape({{-0.9, -0.7}, {-0.22, -0.7}, {-0.22, 0.4}, {-0.9, 0.4}}, Tone::body);
  pen.shape({{-1, -0.86}, {-0.12, -0.86}, {-0.12, -0.68}, {-1, -0.68}}, Tone::shade);
  pen.patch({{-0.74, -0.52}, {-0.38, -0.52}, {-0.38, -0.12}, {-0.74, -0.12}}, Tone::paper);
  pen.shape({{0.86, 0.3}, {1, 0.74}, {0.7, 0.74}}, Tone::shade);
  wheel(pen, {-0.58, 0.56}, 0.29);
  wheel(pen, {0.04, 0.64}, 0.2);
  wheel(pen, {0.5, 0.64}, 0.2);
}

void draw_plane(Pen& pen) {
  // Seen from above, climbing to the upper right.
  const auto aloft = [](const Path& path) { return turned(path, -28); };
  pen.shape(aloft({{0.16, -0.1}, {-0.24, -0.96}, {-0.5, -0.96}, {-0.28, -0.1}}), Tone::shade);
  pen.shape(aloft({{0.16, 0.1}, {-0.24, 0.96}, {-0.5, 0.96}, {-0.28, 0.1}}), Tone::shade);
  pen.shape(aloft({{-0.64, -0.08},
                   {-0.92, -0.46},
                   {-1.04, -0.46},
                   {-0.98, 0},
                   {-1.04, 0.46},
                   {-0.92, 0.46},
                   {-0.64, 0.08}}),
            Tone::shade);
  pen.shape(
      aloft(smooth(
          {{1.02, 0}, {0.76, -0.19}, {0, -0.2}, {-0.98, -0.07}, {-0.98, 0.07}, {0, 0.2}, {0.76, 0.19}})),
      Tone::body);
  pen.patch(aloft({{0.66, -0.12}, {0.8, -0.1}, {0.8, 0.1}, {0.66, 0.12}}), Tone::paper);
}

}  // namespace beeld::scenes
