#include "bench/measure/photo.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jpeglib.h>

#include <cstdlib>
#include <random>

#include "tests/support/pictures.h"

namespace beeld::bench {

std::vector<std::uint8_t> jpeg_photo(int width, int height) {
  Image picture = testing::wave_picture(width, height, 1);
  std::mt19937 generator(1234);
  for (auto& sample : picture.samples) {
    const int grain = static_cast<int>(generator() % 13) - 6;
    sample = static_cast<std::uint8_t>(std::clamp(sample + grain, 0, 255));
  }

  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 90, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row =
        picture.samples.data() + std::size_t{3} * jpeg.next_scanline * static_cast<std::size_t>(width);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::vector<std::uint8_t> file(bytes, bytes + size);
  jpeg_destroy_compress(&jpeg);
  std::free(bytes);
  return file;
}

}  // namespace beeld::bench
