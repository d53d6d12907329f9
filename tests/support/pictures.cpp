#include "tests/support/pictures.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

namespace beeld::testing {

namespace {

void append_little(std::string& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

void append_big(std::string& bytes, std::uint32_t value) {
  for (int i = 3; i >= 0; --i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

std::uint32_t adler32(const std::string& bytes) {
  std::uint32_t a = 1, b = 0;
  for (const unsigned char byte : bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

// A zlib stream of stored blocks: no compression, at most 65,535 bytes each.
std::string stored(const std::string& bytes) {
  std::string stream = "\x78\x01";
  for (std::size_t at = 0; at < bytes.size();) {
    const auto part = static_cast<std::uint32_t>(std::min<std::size_t>(65535, bytes.size() - at));
    stream.push_back(at + part == bytes.size());
    append_little(stream, part, 2);
    append_little(stream, ~part & 0xFFFFu, 2);
    stream += bytes.substr(at, part);
    at += part;
  }
  append_big(stream, adler32(bytes));
  return stream;
}

void append_chunk(std::string& file, const std::string& type, const std::string& content) {
  append_big(file, static_cast<std::uint32_t>(content.size()));
  file += type + content;
  append_big(file, crc32(type + content));
}

}  // namespace

Image wave_picture(int width, int height, std::uint32_t seed) {
  Image image{.width = width, .height = height, .format = PixelFormat::rgb, .samples = {}, .palette = {}};
  image.samples.reserve(static_cast<std::size_t>(width) * height * 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        const double angle = 1.7 * seed + 2.1 * channel, pitch = 4 + (3 * seed + channel) % 11;
        const double u = static_cast<double>(x) / width, v = static_cast<double>(y) / height;
        const double wave = std::sin(pitch * (u * std::cos(angle) + v * std::sin(angle)) + angle);
        image.samples.push_back(static_cast<std::uint8_t>(std::lround(127.5 + 127.5 * wave)));
      }
  return image;
}

std::string ppm_bytes(const Image& image) {
  return "P6\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n255\n" +
         std::string(image.samples.begin(), image.samples.end());
}

std::string bmp_bytes(const Image& image) {
  const int row = (3 * image.width + 3) / 4 * 4;
  std::string file = "BM";
  for (const int value : {54 + row * image.height, 0, 54, 40, image.width, image.height})
    append_little(file, static_cast<std::uint32_t>(value), 4);
  append_little(file, 1, 2);
  append_little(file, 24, 2);
  for (const int value : {0, row * image.height, 2835, 2835, 0, 0})
    append_little(file, static_cast<std::uint32_t>(value), 4);
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x)
      for (int channel = 2; channel >= 0; --channel)
        file.push_back(
            static_cast<char>(image.samples[(static_cast<std::size_t>(y) * image.width + x) * 3 + channel]));
    file.append(static_cast<std::size_t>(row - 3 * image.width), '\0');
  }
  return file;
}

std::string png_bytes(const Image& image) {
  std::string header;
  append_big(header, static_cast<std::uint32_t>(image.width));
  append_big(header, static_cast<std::uint32_t>(image.height));
  header += std::string("\x08\x02\x00\x00\x00", 5);
  std::string rows;
  const auto width = static_cast<std::size_t>(image.width) * 3;
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
    rows.push_back('\0');
    rows.append(reinterpret_cast<const char*>(image.samples.data()) + y * width, width);
  }
  std::string file = "\x89PNG\r\n\x1a\n";
  append_chunk(file, "IHDR", header);
  append_chunk(file, "IDAT", stored(rows));
  append_chunk(file, "IEND", "");
  return file;
}

void write_picture(const std::filesystem::path& path, const Image& image) {
  const std::string suffix = path.extension().string();
  std::string bytes;
  if (suffix == ".ppm")
    bytes = ppm_bytes(image);
  else if (suffix == ".bmp")
    bytes = bmp_bytes(image);
  else if (suffix == ".png")
    bytes = png_bytes(image);
  else
    throw std::runtime_error("no such picture format: " + path.string());
  std::ofstream stream(path, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace beeld::testing
