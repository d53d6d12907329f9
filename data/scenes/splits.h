#pragma once

#include <cstdint>
#include <vector>

#include "data/scenes/captions.h"
#include "data/scenes/shards.h"

namespace beeld::scenes {

struct CaptionChoice {
  std::vector<Language> languages;
  int wordings;  ///< In each language, 1 to wording_count.
};

/// Training picture number `index` of a seed.
Picture training_picture(std::uint64_t seed, std::size_t index, const CaptionChoice& choice);

/// The test pictures of a seed. The first three captions of a picture in each language state all of its
/// facts, so that they fit no other picture; which of the wordings comes first changes from picture to
/// picture.
std::vector<Picture> test_pictures(std::uint64_t seed, std::size_t count, const CaptionChoice& choice);

}  // namespace beeld::scenes
