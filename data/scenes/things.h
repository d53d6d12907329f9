#pragma once

#include "data/scenes/pen.h"
#include "data/scenes/vocabulary.h"

namespace beeld::scenes {

/// Draws a thing within its unit square.
void draw_thing(Thing thing, Pen& pen);

// By kind; each draws the things that its file is named after.
void draw_circle(Pen& pen);
void draw_square(Pen& pen);
void draw_triangle(Pen& pen);
void draw_heart(Pen& pen);
void draw_ring(Pen& pen);

void draw_sun(Pen& pen);
void draw_moon(Pen& pen);
void draw_star(Pen& pen);
void draw_cloud(Pen& pen);

void draw_tree(Pen& pen);
void draw_flower(Pen& pen);
void draw_mushroom(Pen& pen);
void draw_apple(Pen& pen);

void draw_boat(Pen& pen);
void draw_car(Pen& pen);
void draw_train(Pen& pen);
void draw_plane(Pen& pen);

void draw_cat(Pen& pen);
void draw_dog(Pen& pen);
void draw_bird(Pen& pen);
void draw_fish(Pen& pen);
void draw_butterfly(Pen& pen);

void draw_house(Pen& pen);
void draw_cup(Pen& pen);
void draw_ball(Pen& pen);
void draw_umbrella(Pen& pen);
void draw_chair(Pen& pen);
void draw_book(Pen& pen);
void draw_balloon(Pen& pen);

}  // namespace beeld::scenes
