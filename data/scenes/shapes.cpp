#include "data/scenes/things.h"

namespace beeld::scenes {

void draw_circle(Pen& pen) { pen.shape(ellipse({0, 0}, 0.92, 0.92), Tone::body); }

void draw_square(Pen& pen) {
  pen.shape({{-0.85, -0.85}, {0.85, -0.85}, {0.85, 0.85}, {-0.85, 0.85}}, Tone::body);
}

void draw_triangle(Pen& pen) { pen.shape({{0, -0.92}, {0.95, 0.78}, {-0.95, 0.78}}, Tone::body); }

void draw_heart(Pen& pen) { pen.shape(heart(0.95), Tone::body); }

void draw_ring(Pen& pen) { pen.tube(ellipse({0, 0}, 0.7, 0.7), 0.36, Tone::body); }

}  // namespace beeld::scenes
