#include "tests/multimodal/index/index_fixture.h"

#include <cmath>
#include <cstdio>
#include <fstream>

namespace beeld::testing {

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

void write_picture(const std::filesystem::path& path, Colour colour) {
  std::string content = "P6\n1 1\n255\n";
  for (const int value : {colour.red, colour.green, colour.blue}) content += static_cast<char>(value);
  write_file(path, content);
}

Colour colour_of(int number) { return {number * 37 % 251, number * 101 % 241, number * 13 % 239}; }

void write_pictures(const std::filesystem::path& folder, int count) {
  for (int i = 0; i < count; ++i) {
    char name[32];
    std::snprintf(name, sizeof(name), "%03d.ppm", i);
    write_picture(folder / name, colour_of(i));
  }
}

std::vector<float> embedding_of(Colour colour) {
  std::vector<float> row = {static_cast<float>(colour.red), static_cast<float>(colour.green),
                            static_cast<float>(colour.blue), 60.0F, -25.0F};
  double squares = 0;
  for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
  for (float& value : row) value = static_cast<float>(value / std::sqrt(squares));
  return row;
}

PictureEncoder FakeModel::encoder(const std::string& fingerprint) {
  const auto preprocess = [](const Image& image) {
    const auto rgb = to_rgb(image);
    return Pixels{1, 1, {float(rgb.samples[0]), float(rgb.samples[1]), float(rgb.samples[2])}};
  };
  const auto encode = [this](std::span<const Pixels> batch) {
    ++calls;
    if (before_encoding) before_encoding(batch);
    Matrix rows(batch.size(), 5);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto& p = batch[i].values;
      const float values[] = {p[0], p[1], p[2], 60.0F, -25.0F};  // not of unit length
      std::copy(std::begin(values), std::end(values), rows[i].begin());
    }
    pictures += static_cast<int>(batch.size());
    return rows;
  };
  return {{"fake model", fingerprint, 5}, preprocess, encode};
}

UpdateSummary IndexTest::update(const UpdateOptions& options) { return open().update({photos}, options); }

std::filesystem::path IndexTest::found(Colour colour) {
  const auto matches = open().search(embedding_of(colour), 1, 0.99999F, {});
  return matches.empty() ? std::filesystem::path() : matches.front().path;
}

}  // namespace beeld::testing
