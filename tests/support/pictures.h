#pragma once

#include <beeld/image.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace beeld::testing {

/// An RGB picture by formula: smooth waves whose colours and directions depend on `seed`, so that different
/// seeds give clearly different pictures and the same seed always the same one.
Image wave_picture(int width, int height, std::uint32_t seed);

/// The bytes of an RGB picture as a binary PPM, an uncompressed 24-bit BMP, or a PNG with stored blocks.
std::string ppm_bytes(const Image& image);
std::string bmp_bytes(const Image& image);
std::string png_bytes(const Image& image);

/// Writes a picture in the format its name ends with (.ppm, .bmp, .png). Throws std::runtime_error.
void write_picture(const std::filesystem::path& path, const Image& image);

}  // namespace beeld::testing
