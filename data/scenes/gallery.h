#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/scenes/scene.h"

namespace beeld::scenes {

/// The scenes of the gallery that beeld is shown with; they differ clearly.
const std::vector<Scene>& gallery_scenes();

/// The name of a gallery picture's file, for example "red-boat-on-the-sea.jpg".
std::string gallery_name(const Scene& scene);

/// Draws the gallery, 256 pixels wide, in JPEG files. Throws Error(io).
void write_gallery(const std::filesystem::path& folder);

}  // namespace beeld::scenes
