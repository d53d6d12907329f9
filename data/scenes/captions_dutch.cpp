#include <array>

#include "data/scenes/captions.h"

namespace beeld::scenes {

namespace {

enum class Article { de, het };

struct Noun {
  Article article;
  const char* one;
  const char* many;
};

// In the order of Thing.
constexpr std::array<Noun, thing_count> nouns{{
    {Article::het, "huis", "huizen"},        {Article::de, "boom", "bomen"},
    {Article::de, "zon", "zonnen"},          {Article::de, "maan", "manen"},
    {Article::de, "ster", "sterren"},        {Article::de, "wolk", "wolken"},
    {Article::de, "boot", "boten"},          {Article::de, "auto", "auto's"},
    {Article::de, "trein", "treinen"},       {Article::het, "vliegtuig", "vliegtuigen"},
    {Article::de, "kat", "katten"},          {Article::de, "hond", "honden"},
    {Article::de, "vogel", "vogels"},        {Article::de, "vis", "vissen"},
    {Article::de, "bloem", "bloemen"},       {Article::het, "kopje", "kopjes"},
    {Article::de, "bal", "ballen"},          {Article::de, "appel", "appels"},
    {Article::de, "paraplu", "paraplu's"},   {Article::de, "stoel", "stoelen"},
    {Article::het, "boek", "boeken"},        {Article::de, "ballon", "ballonnen"},
    {Article::de, "vlinder", "vlinders"},    {Article::de, "paddenstoel", "paddenstoelen"},
    {Article::de, "cirkel", "cirkels"},      {Article::het, "vierkant", "vierkanten"},
    {Article::de, "driehoek", "driehoeken"}, {Article::het, "hart", "harten"},
    {Article::de, "ring", "ringen"},
}};

/// An adjective before a het-word that stands alone or after "een" stays bare; before all else it is
/// inflected.
struct Adjective {
  const char* bare;
  const char* inflected;
};

// In the order of Color and Size.
constexpr std::array<Adjective, color_count> colors{{{"rood", "rode"},
                                                     {"oranje", "oranje"},
                                                     {"geel", "gele"},
                                                     {"groen", "groene"},
                                                     {"blauw", "blauwe"},
                                                     {"paars", "paarse"},
                                                     {"roze", "roze"},
                                                     {"bruin", "bruine"},
                                                     {"zwart", "zwarte"},
                                                     {"wit", "witte"}}};
constexpr std::array<Adjective, 3> sizes{{{"klein ", "kleine "}, {"", ""}, {"groot ", "grote "}}};

constexpr std::array<const char*, most_of_a_thing + 1> numbers{"geen", "een", "twee", "drie", "vier", "vijf"};

/// The same said in two ways; which is taken is the wording's choice.
using Ways = std::array<const char*, 2>;
enum Way : std::size_t { usual, other };

// In the order of Place, Relation and Background.
constexpr std::array<Ways, 5> places{{{"", "in het midden"},
                                      {"links", "aan de linkerkant"},
                                      {"rechts", "aan de rechterkant"},
                                      {"bovenaan", "helemaal boven"},
                                      {"onderaan", "helemaal onder"}}};
constexpr std::array<Ways, 4> relations{{{"links van", "aan de linkerkant van"},
                                         {"rechts van", "aan de rechterkant van"},
                                         {"boven", "hoger dan"},
                                         {"onder", "lager dan"}}};
constexpr std::array<Ways, background_count> settings{{
    {"op een witte achtergrond", "tegen een witte achtergrond"},
    {"op een grijze achtergrond", "tegen een grijze achtergrond"},
    {"op een blauwe achtergrond", "tegen een blauwe achtergrond"},
    {"op een gele achtergrond", "tegen een gele achtergrond"},
    {"op een groene achtergrond", "tegen een groene achtergrond"},
    {"op een roze achtergrond", "tegen een roze achtergrond"},
    {"bij nacht", "in de donkere nacht"},
    {"in het gras", "op een grasveld"},
    {"op zee", "op de zee"},
    {"op het strand", "op een zandstrand"},
    {"in de sneeuw", "op een besneeuwde dag"},
    {"op straat", "in een straat in de stad"},
    {"in een kamer", "binnenshuis"},
    {"bij zonsondergang", "tijdens de zonsondergang"},
}};

std::string noun(const Group& group) {
  const auto& [article, one, many] = nouns[index_of(group.thing)];
  return group.count == 1 ? one : many;
}

/// "grote rode katten", "groot rood huis".
std::string noun_phrase(const Group& group) {
  const bool bare = group.count == 1 && nouns[index_of(group.thing)].article == Article::het;
  const auto form = [&](const Adjective& adjective) { return bare ? adjective.bare : adjective.inflected; };
  return std::string(form(sizes[index_of(group.size)])) + form(colors[index_of(group.color)]) + " " +
         noun(group);
}

std::string counted(int count, const std::string& phrase) {
  return numbers[static_cast<std::size_t>(count)] + (" " + phrase);
}

std::string described(const Group& group) { return counted(group.count, noun_phrase(group)); }

/// As typed into a search: two things with their colours, or one without where it is seen.
std::string shortest(const Scene& scene) {
  const auto named = [](Group group) {
    group.size = Size::medium;
    return group.count == 1 ? noun_phrase(group) : described(group);
  };
  if (scene.second) return named(scene.first) + " en " + named(scene.second->group);
  return counted(scene.first.count, noun(scene.first)) + " " + settings[index_of(scene.background)][usual];
}

/// The things and how they are arranged.
std::string arranged(const Scene& scene, Way way) {
  if (scene.second)
    return described(scene.first) + " " + relations[index_of(scene.second->relation)][way] + " " +
           described(scene.second->group);
  const std::string place = scene.first.count == 1 ? places[index_of(scene.place)][way] : "";
  return described(scene.first) + (place.empty() ? "" : " ") + place;
}

}  // namespace

std::string dutch_caption(const Scene& scene, int wording) {
  const Ways& setting = settings[index_of(scene.background)];
  const Scene turned = turned_around(scene);
  switch (wording) {
    case 1:
      return shortest(scene);
    case 2:
      return setting[usual] + (", " + arranged(scene, other));
    case 3:
      return "een tekening van " + arranged(turned, usual);
    case 4:
      return (turned.first.count == 1 ? "er is " : "er zijn ") + arranged(turned, other) + " " +
             setting[other];
    default:
      return arranged(scene, usual) + " " + setting[usual];
  }
}

}  // namespace beeld::scenes
