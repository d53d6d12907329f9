#include "data/scenes/claims.h"

#include <gtest/gtest.h>

namespace beeld::scenes {

namespace {

using enum Background;
using enum Color;
using enum Size;
using enum Thing;

constexpr Scene red_cat{grass, {cat, red}};
constexpr Scene cat_by_dog{grass, {cat, red}, Neighbor{Relation::left_of, {dog, blue}}};

TEST(Claims, FitTheirOwnScene) {
  EXPECT_TRUE(fits({}, red_cat, red_cat));
  EXPECT_TRUE(fits({}, cat_by_dog, cat_by_dog));
  EXPECT_TRUE(fits({}, cat_by_dog, turned_around(cat_by_dog)));
}

TEST(Claims, RefuseAnotherThingColorOrBackground) {
  EXPECT_FALSE(fits({}, red_cat, {grass, {dog, red}}));
  EXPECT_FALSE(fits({}, red_cat, {grass, {cat, blue}}));
  EXPECT_FALSE(fits({}, red_cat, {snow, {cat, red}}));
  EXPECT_TRUE(fits({.setting = Claims::Setting::open}, red_cat, {snow, {cat, red}}));
  EXPECT_TRUE(fits({.colors = Claims::Colors::open}, red_cat, {grass, {cat, blue}}));
}

TEST(Claims, OfFewerThingsAreTrueOfMore) {
  const Scene two{grass, {cat, red, medium, 2}};
  EXPECT_TRUE(fits({}, red_cat, two));
  EXPECT_FALSE(fits({}, two, red_cat));
  EXPECT_TRUE(fits({}, red_cat, cat_by_dog));
  EXPECT_FALSE(fits({}, cat_by_dog, red_cat));
}

TEST(Claims, OfSizeAndPlaceHoldWhereStated) {
  const Scene large{grass, {cat, red, big}}, left{grass, {cat, red}, std::nullopt, Place::left};
  EXPECT_TRUE(fits({}, red_cat, large));
  EXPECT_FALSE(fits({}, large, red_cat));
  EXPECT_TRUE(fits({.sizes = Claims::Sizes::open}, large, red_cat));
  EXPECT_TRUE(fits({}, red_cat, left));
  EXPECT_FALSE(fits({}, left, red_cat));
  EXPECT_TRUE(fits({.arrangement = Claims::Arrangement::open}, left, red_cat));
}

TEST(Claims, KnowWhichOfTwoIsWhere) {
  Scene swapped = cat_by_dog;
  swapped.second->relation = Relation::right_of;
  EXPECT_FALSE(fits({}, cat_by_dog, swapped));
  EXPECT_TRUE(fits({.arrangement = Claims::Arrangement::open}, cat_by_dog, swapped));
  const Scene colors_swapped{grass, {cat, blue}, Neighbor{Relation::left_of, {dog, red}}};
  EXPECT_FALSE(fits({}, cat_by_dog, colors_swapped));
}

}  // namespace

}  // namespace beeld::scenes
