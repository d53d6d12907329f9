#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/scenes/captions.h"

namespace beeld::scenes {

/// A picture to be drawn, and what is said of it.
struct Picture {
  Scene scene;
  std::uint64_t seed;
  std::vector<std::string> captions;
};

struct ShardOptions {
  std::filesystem::path folder;  ///< Made where there is none.
  std::string name;              ///< Files are called NAME-000.tar, NAME-001.tar ...
  std::size_t pictures;
  std::size_t per_shard = 2000;
  int side = 64;  ///< Pixels.
};

/// Draws pictures 0 to pictures - 1 into WebDataset shards with KEY.jpg and KEY.txt, one caption a line. The
/// same input gives the same bytes. Throws Error(io).
void write_shards(const ShardOptions& options, const std::function<Picture(std::size_t)>& picture);

/// A picture as a JPEG file of the given quality.
std::string encoded(const Picture& picture, int side, int quality);

}  // namespace beeld::scenes
