#include "data/scenes/captions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "data/scenes/dice.h"
#include "data/scenes/sampling.h"

namespace beeld::scenes {

namespace {

using enum Background;
using enum Color;
using enum Size;
using enum Thing;

std::string english(const Scene& scene, int wording = 0) {
  return caption(scene, wording, Language::english);
}
std::string dutch(const Scene& scene, int wording = 0) { return caption(scene, wording, Language::dutch); }

constexpr Scene cats_and_house{
    sunset, {cat, red, medium, 2}, Neighbor{Relation::left_of, {house, green, big}}};
constexpr Scene boat_at_sea{sea, {boat, red}};

TEST(Captions, SayInBothLanguagesWhatTheSceneHolds) {
  EXPECT_EQ(english(cats_and_house), "two red cats left of a big green house at sunset");
  EXPECT_EQ(dutch(cats_and_house), "twee rode katten links van een groot groen huis bij zonsondergang");
  EXPECT_EQ(english(boat_at_sea), "a red boat on the sea");
  EXPECT_EQ(dutch(boat_at_sea), "een rode boot op zee");
}

TEST(Captions, HaveFiveWordings) {
  EXPECT_EQ(english(cats_and_house, 1), "two red cats and green house");
  EXPECT_EQ(dutch(cats_and_house, 1), "twee rode katten en groen huis");
  EXPECT_EQ(english(cats_and_house, 2), "at sunset, two red cats to the left of a large green house");
  EXPECT_EQ(dutch(cats_and_house, 2),
            "bij zonsondergang, twee rode katten aan de linkerkant van een groot groen huis");
  EXPECT_EQ(english(cats_and_house, 3), "a drawing of a big green house right of two red cats");
  EXPECT_EQ(dutch(cats_and_house, 3), "een tekening van een groot groen huis rechts van twee rode katten");
  EXPECT_EQ(english(cats_and_house, 4),
            "there is a large green house to the right of two red cats at sundown");
  EXPECT_EQ(dutch(cats_and_house, 4),
            "er is een groot groen huis aan de rechterkant van twee rode katten tijdens de zonsondergang");
  EXPECT_EQ(english(boat_at_sea, 1), "a boat on the sea");
  EXPECT_EQ(dutch(boat_at_sea, 1), "een boot op zee");
}

TEST(Captions, PutEnglishArticlesAndPlurals) {
  EXPECT_EQ(english({night, {cat, orange}}), "an orange cat at night");
  EXPECT_EQ(english({night, {cat, orange, small}}), "a small orange cat at night");
  EXPECT_EQ(english({snow, {umbrella, blue}}), "a blue umbrella in the snow");
  EXPECT_EQ(english({snow, {umbrella, blue}}, 1), "an umbrella in the snow");
  EXPECT_EQ(english({room, {butterfly, pink, medium, 3}}), "three pink butterflies in a room");
  EXPECT_EQ(english({beach, {fish, black, medium, 5}}, 4), "there are five black fish on a sandy beach");
}

TEST(Captions, InflectDutchAdjectives) {
  const auto phrase = [](const Group& group) {
    const std::string text = dutch({night, group});
    return text.substr(0, text.size() - std::string(" bij nacht").size());
  };
  EXPECT_EQ(phrase({house, red}), "een rood huis");
  EXPECT_EQ(phrase({house, red, big}), "een groot rood huis");
  EXPECT_EQ(phrase({house, red, medium, 2}), "twee rode huizen");
  EXPECT_EQ(phrase({plane, yellow, small}), "een klein geel vliegtuig");
  EXPECT_EQ(phrase({plane, yellow, medium, 4}), "vier gele vliegtuigen");
  EXPECT_EQ(phrase({book, purple}), "een paars boek");
  EXPECT_EQ(phrase({heart, white}), "een wit hart");
  EXPECT_EQ(phrase({square, black}), "een zwart vierkant");
  EXPECT_EQ(phrase({cup, brown}), "een bruin kopje");
  EXPECT_EQ(phrase({cat, white, big}), "een grote witte kat");
  EXPECT_EQ(phrase({dog, purple, small}), "een kleine paarse hond");
  EXPECT_EQ(phrase({house, orange}), "een oranje huis");
  EXPECT_EQ(phrase({flower, pink}), "een roze bloem");
  EXPECT_EQ(phrase({car, green, medium, 3}), "drie groene auto's");
  EXPECT_EQ(phrase({umbrella, blue, medium, 2}), "twee blauwe paraplu's");
  EXPECT_EQ(phrase({balloon, brown, medium, 5}), "vijf bruine ballonnen");
}

TEST(Captions, TellDifferentThingsApart) {
  for (const auto language : {Language::english, Language::dutch}) {
    std::set<std::string> captions;
    for (std::size_t t = 0; t < thing_count; ++t)
      for (std::size_t c = 0; c < color_count; ++c)
        for (std::size_t b = 0; b < background_count; ++b)
          captions.insert(caption(
              {static_cast<Background>(b), {static_cast<Thing>(t), static_cast<Color>(c)}}, 0, language));
    EXPECT_EQ(captions.size(), thing_count * color_count * background_count);
  }
}

// What a wording leaves open must not change it, and what it states must.
TEST(Captions, StateWhatTheirClaimsSay) {
  const Scene scene{beach, {dog, black, small}, std::nullopt, Place::left};
  Scene resized = scene, moved = scene, elsewhere = scene, recolored = scene;
  resized.first.size = big;
  moved.place = Place::top;
  elsewhere.background = street;
  recolored.first.color = white;
  for (int wording = 0; wording < wording_count; ++wording) {
    const auto claims = claims_of(scene, wording);
    for (const auto language : {Language::english, Language::dutch}) {
      const auto differs = [&](const Scene& other) {
        return caption(scene, wording, language) != caption(other, wording, language);
      };
      EXPECT_EQ(differs(resized), claims.sizes == Claims::Sizes::stated) << wording;
      EXPECT_EQ(differs(moved), claims.arrangement == Claims::Arrangement::stated) << wording;
      EXPECT_EQ(differs(elsewhere), claims.setting == Claims::Setting::stated) << wording;
      EXPECT_EQ(differs(recolored), claims.colors == Claims::Colors::stated) << wording;
    }
  }
}

TEST(Captions, AreLowerCaseWordsOnOneLine) {
  Dice dice(11);
  for (int i = 0; i < 500; ++i) {
    const Scene scene = sample_scene(dice);
    for (int wording = 0; wording < wording_count; ++wording)
      for (const auto language : {Language::english, Language::dutch}) {
        const std::string text = caption(scene, wording, language);
        EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz ,'"), std::string::npos) << text;
        EXPECT_EQ(text.find("  "), std::string::npos) << text;
        EXPECT_NE(text.back(), ' ') << text;
      }
  }
}

}  // namespace

}  // namespace beeld::scenes
