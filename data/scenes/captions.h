#pragma once

#include <string>

#include "data/scenes/claims.h"
#include "data/scenes/scene.h"

namespace beeld::scenes {

enum class Language { english, dutch };

/// The ways of saying it, from 0: in full; the shortest, as typed into a search; the background first;
/// a drawing, without background; in a full sentence with other words.
inline constexpr int wording_count = 5;

/// The facts that a wording states, in every language.
Claims claims_of(const Scene& scene, int wording);

/// A caption in lower case ASCII. Wordings of different languages with the same number say the same.
std::string caption(const Scene& scene, int wording, Language language);

// By language; each lives in its own file.
std::string english_caption(const Scene& scene, int wording);
std::string dutch_caption(const Scene& scene, int wording);

}  // namespace beeld::scenes
