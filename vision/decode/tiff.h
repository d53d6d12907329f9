#pragma once

#include <cstdint>
#include <vector>

#include "vision/decode/decode.h"

namespace beeld {

/// What the first directory of a TIFF file says.
struct Tiff {
  enum Photometric : std::uint64_t {
    white_is_zero = 0,
    black_is_zero = 1,
    truecolour = 2,
    indexed = 3,
    inks = 5,
    luminance_chrominance = 6,
    cie_lab = 8
  };
  enum Extra : std::uint64_t { unspecified = 0, premultiplied_alpha = 1, straight_alpha = 2 };
  enum SampleFormat : std::uint64_t {
    unsigned_integer = 1,
    signed_integer = 2,
    floating_point = 3,
    undefined = 4
  };
  enum Compression : std::uint64_t { uncompressed = 1, jpeg = 7 };

  std::int64_t width = 0, height = 0;
  std::int64_t tile_width = 0, tile_height = 0;  ///< 0 where the picture is in strips
  std::uint64_t bits = 1;
  std::uint64_t photometric = black_is_zero;
  std::uint64_t channels = 1;
  std::uint64_t compression = uncompressed;
  std::uint64_t sample_format = unsigned_integer;
  std::uint64_t extra = unspecified;  ///< the meaning of the first sample beyond grey or colours
  bool planes = false;                ///< each channel apart
  int orientation = 1;
  std::vector<std::uint8_t> palette;  ///< RGB triples
};

/// The samples of the picture, at most four channels of it, by libtiff: fewer than 8 bits a sample come one a
/// byte, unscaled. What libtiff alone can turn into colours comes as R, G, B of 8 bits. Throws Error:
/// corrupt, or unsupported.
Raster decode_tiff_samples(const Source& source, const Tiff& tiff);

}  // namespace beeld
