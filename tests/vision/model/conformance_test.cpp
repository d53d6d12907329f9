#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/npy.h"
#include "tests/support/shared.h"
#include "vision/preprocess/config.h"

namespace beeld {
namespace {

using testing::read_npy;
using testing::shared_folder;

constexpr double tolerance = 1e-6;

std::vector<std::string> image_names(const std::filesystem::path& folder) {
  std::ifstream stream(folder / "inputs/images.json");
  return nlohmann::json::parse(stream).get<std::vector<std::string>>();
}

Image load_as_stored(const std::filesystem::path& path) {
  DecodeOptions options;
  options.orientation = Orientation::ignore;
  return load_image(path, options);
}

Preprocess preprocess_of(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "open_clip_config.json")) return hf_preprocess(folder);
  Settings config = Settings::from_file((folder / "open_clip_config.json").string());
  Settings model = config.object("model_cfg");
  Settings vision = model.object("vision_cfg");
  const auto size = vision.integer("image_size", 0);
  return open_clip_preprocess(config.object("preprocess_cfg"), {size, size});
}

/// [patches, row * column * channel] as the NaFlex reference stores pictures.
std::vector<double> as_patches(const Pixels& pixels, int patch) {
  std::vector<double> out;
  const std::size_t plane = std::size_t(pixels.height) * pixels.width;
  for (int top = 0; top < pixels.height; top += patch) {
    for (int left = 0; left < pixels.width; left += patch) {
      for (int y = top; y < top + patch; ++y) {
        for (int x = left; x < left + patch; ++x) {
          for (int c = 0; c < 3; ++c)
            out.push_back(pixels.values[c * plane + std::size_t(y) * pixels.width + x]);
        }
      }
    }
  }
  return out;
}

double largest_difference(const std::vector<double>& ours, const std::vector<double>& theirs,
                          std::size_t at) {
  double largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    largest = std::max(largest, std::abs(ours[i] - theirs[at + i]));
  return largest;
}

class PictureConformance : public ::testing::TestWithParam<const char*> {};

TEST_P(PictureConformance, DecodesAndPreprocessesAsTheReference) {
  BEELD_NEED_SHARED(std::string("conformance/") + GetParam());
  for (const auto& entry :
       std::filesystem::directory_iterator(shared_folder() / "conformance" / GetParam())) {
    if (!entry.is_directory()) continue;
    const auto& folder = entry.path();
    SCOPED_TRACE(folder.string());
    const Preprocess settings = preprocess_of(folder);
    const auto expected = read_npy(folder / "expected/pixel_values.npy");
    const auto names = image_names(folder);
    ASSERT_EQ(expected.shape[0], names.size());
    const std::size_t stride = expected.values.size() / names.size();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Image image = load_as_stored(folder / "inputs" / names[i]);
      auto stem = names[i];
      std::replace(stem.begin(), stem.end(), '.', '_');
      const auto rgb = read_npy(folder / "expected" / ("rgb_" + stem + ".npy"));
      const auto ours = to_rgb(image).samples;
      EXPECT_TRUE(std::equal(ours.begin(), ours.end(), rgb.values.begin(), rgb.values.end())) << names[i];

      const Pixels pixels = preprocess(image, settings);
      const bool patches = settings.resize_rule == ResizeRule::patch_budget;
      const auto values = patches ? as_patches(pixels, settings.patch_size)
                                  : std::vector<double>(pixels.values.begin(), pixels.values.end());
      if (patches) {
        const auto shapes = read_npy(folder / "expected/spatial_shapes.npy");
        EXPECT_EQ(pixels.height, shapes.values[2 * i] * settings.patch_size);
        EXPECT_EQ(pixels.width, shapes.values[2 * i + 1] * settings.patch_size);
        ASSERT_LE(values.size(), stride);
      } else {
        ASSERT_EQ(values.size(), stride) << names[i];
      }
      EXPECT_LE(largest_difference(values, expected.values, i * stride), tolerance) << names[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, PictureConformance,
                         ::testing::Values("clip", "open_clip", "chinese_clip", "siglip", "siglip2", "vit",
                                           "dinov2"));

TEST(PictureConformanceTimm, TenPhotosAreCroppedExactly) {
  BEELD_NEED_SHARED("photos/imagenet10");
  BEELD_NEED_SHARED("models/vit-tiny-p16-224");
  const auto photos = shared_folder() / "photos/imagenet10";
  Settings config = Settings::from_file((shared_folder() / "models/vit-tiny-p16-224/config.json").string());
  const Preprocess settings = timm_preprocess(config.object("pretrained_cfg"));
  const auto expected = read_npy(photos / "vit_tiny_resized_u8.npy");
  std::ifstream order(photos / "order.txt");
  std::string line;
  std::size_t at = 0;
  while (std::getline(order, line)) {
    const std::string name = line.substr(0, line.find('\t'));
    const Image crop = resize_and_crop(load_as_stored(photos / name), settings);
    ASSERT_EQ(crop.samples.size(), 224u * 224 * 3);
    ASSERT_LE(at + crop.samples.size(), expected.values.size());
    EXPECT_TRUE(std::equal(crop.samples.begin(), crop.samples.end(),
                           expected.values.begin() + static_cast<std::ptrdiff_t>(at)))
        << name;
    at += crop.samples.size();
  }
  EXPECT_EQ(at, expected.values.size());
}

}  // namespace
}  // namespace beeld
