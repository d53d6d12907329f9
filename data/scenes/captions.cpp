#include "data/scenes/captions.h"

namespace beeld::scenes {

Claims claims_of(const Scene& scene, int wording) {
  Claims claims;
  if (wording == 1) {
    claims.sizes = Claims::Sizes::open;
    claims.arrangement = Claims::Arrangement::open;
    if (scene.second)
      claims.setting = Claims::Setting::open;
    else
      claims.colors = Claims::Colors::open;
  }
  if (wording == 3) claims.setting = Claims::Setting::open;
  return claims;
}

std::string caption(const Scene& scene, int wording, Language language) {
  return language == Language::dutch ? dutch_caption(scene, wording) : english_caption(scene, wording);
}

}  // namespace beeld::scenes
