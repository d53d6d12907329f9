#include <beeld/image.h>

namespace beeld {

int Image::channels() const {
  switch (format) {
    case PixelFormat::grey:
      return 1;
    case PixelFormat::grey_alpha:
      return 2;
    case PixelFormat::rgba:
      return 4;
    case PixelFormat::rgb:
    case PixelFormat::palette:
      return 3;
  }
  return 3;
}

}  // namespace beeld
