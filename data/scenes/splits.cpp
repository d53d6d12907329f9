#include "data/scenes/splits.h"

#include <array>

#include "data/scenes/dice.h"
#include "data/scenes/sampling.h"

namespace beeld::scenes {

namespace {

int test_wording(std::size_t picture, std::size_t caption) {
  constexpr std::array<int, 3> full{0, 2, 4};
  constexpr std::array<int, 2> partial{1, 3};
  return caption < full.size() ? full[(picture + caption) % full.size()] : partial[caption - full.size()];
}

}  // namespace

Picture training_picture(std::uint64_t seed, std::size_t index, const CaptionChoice& choice) {
  Picture picture{training_scene(seed, index), mix(mix(seed) + index), {}};
  for (const Language language : choice.languages)
    for (int wording = 0; wording < choice.wordings; ++wording)
      picture.captions.push_back(caption(picture.scene, wording, language));
  return picture;
}

std::vector<Picture> test_pictures(std::uint64_t seed, std::size_t count, const CaptionChoice& choice) {
  std::vector<Picture> pictures;
  for (const Scene& scene : test_scenes(seed, count)) {
    const std::size_t index = pictures.size();
    Picture picture{scene, mix(~mix(seed) + index), {}};
    for (const Language language : choice.languages)
      for (int number = 0; number < choice.wordings; ++number)
        picture.captions.push_back(
            caption(scene, test_wording(index, static_cast<std::size_t>(number)), language));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace beeld::scenes
