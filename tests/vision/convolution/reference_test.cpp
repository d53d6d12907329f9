// What the layers of the reference cases' towers give between their first and their last.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/files.h"
#include "tests/support/npy.h"
#include "tests/support/shared.h"
#include "vision/model/families.h"
#include "vision/preprocess/config.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

struct Reference {
  fs::path folder;
  VisionTower<float> tower;
  std::vector<Pixels> pictures;

  testing::Array expected(const std::string& name) const {
    return testing::read_npy(folder / "expected" / (name + ".npy"));
  }
};

Reference load(const std::string& name, VisionTower<float> (*read)(WeightReader&, Settings, int)) {
  Reference reference{testing::shared_folder() / "conformance" / name, {}, {}};
  const auto& folder = reference.folder;
  auto config = Settings::from_file((folder / "open_clip_config.json").string());
  auto model = config.object("model_cfg");
  const Checkpoint checkpoint(folder / "open_clip_model.safetensors");
  WeightReader weights(checkpoint, name);
  reference.tower = read(weights, model.object("vision_cfg"), model.bounded("embed_dim", 0, 1, 1 << 10));
  pack(reference.tower);
  const auto& tower = reference.tower.config;
  const auto preprocessing =
      open_clip_preprocess(config.object("preprocess_cfg"), {tower.image_height, tower.image_width});
  for (const auto& image : read_json(folder / "inputs/images.json")) {
    const auto path = folder / "inputs" / image.get<std::string>();
    reference.pictures.push_back(
        preprocess(load_image(path, {.orientation = Orientation::ignore}), preprocessing));
  }
  return reference;
}

/// The largest difference of a map [H*W,C] from the reference's [C,H,W], and the reference's largest value.
std::pair<double, double> compare(const Tensor<float>& rows, const testing::Array& expected) {
  double apart = 0, largest = 0;
  const auto places = static_cast<std::size_t>(rows.rows());
  for (std::size_t place = 0; place < places; ++place) {
    for (std::size_t c = 0; c < static_cast<std::size_t>(rows.columns()); ++c) {
      const double value = expected.values[c * places + place];
      apart = std::max(apart, std::abs(double{rows.row(static_cast<std::int64_t>(place))[c]} - value));
      largest = std::max(largest, std::abs(value));
    }
  }
  return {apart, largest};
}

TEST(ConvolutionReference, AResNetsLastMap) {
  BEELD_NEED_SHARED("conformance/open_clip_rn/public");
  const auto reference = load("open_clip_rn/public", read_open_clip_resnet_vision);
  const auto pixels = reference.expected("pixel_values_first");
  for (std::size_t i = 0; i < pixels.values.size(); ++i)
    ASSERT_NEAR(reference.pictures[0].values[i], pixels.values[i], 1e-6);
  Pass<float> pass;
  const auto states = hidden_states<float>(reference.tower, reference.pictures, pass);
  const auto expected = reference.expected("layer4_first");
  ASSERT_EQ(expected.shape, (std::vector<std::size_t>{1, 256, 3, 3}));
  const auto [apart, largest] = compare(states.rows.slice(0, 9), expected);
  EXPECT_LT(apart, 5e-6 * largest);
}

TEST(ConvolutionReference, AFastViTsStages) {
  BEELD_NEED_SHARED("conformance/mobileclip/public");
  auto reference = load("mobileclip/public", read_open_clip_timm_vision);
  const auto& pictures = reference.pictures;
  const auto pixel_means = reference.expected("pixel_means");
  for (std::size_t b = 0; b < pictures.size(); ++b) {
    const auto& values = pictures[b].values;
    const auto plane = static_cast<std::ptrdiff_t>(values.size() / 3);
    for (std::ptrdiff_t c = 0; c < 3; ++c) {
      const double sum = std::accumulate(values.begin() + c * plane, values.begin() + (c + 1) * plane, 0.0);
      EXPECT_NEAR(sum / static_cast<double>(plane), pixel_means.values[b * 3 + static_cast<std::size_t>(c)],
                  1e-6);
    }
  }
  // Layers up to the end of each part: a block is two, halving the places two more, positions one.
  const std::vector<std::pair<std::size_t, std::string>> parts{
      {3, "stem"}, {7, "stage_0"}, {21, "stage_1"}, {43, "stage_2"}, {50, "stage_3"}, {51, "final_conv"}};
  ASSERT_EQ(reference.tower.network.layers.size(), 51u);
  Pass<float> pass;
  auto maps = maps_of<float>(pictures);
  std::size_t begin = 0;
  for (const auto& [end, name] : parts) {
    ConvolutionNetwork<float> part;
    const auto first = reference.tower.network.layers.begin();
    part.layers.assign(first + static_cast<std::ptrdiff_t>(begin), first + static_cast<std::ptrdiff_t>(end));
    maps = convolve(std::move(maps), part, pass);
    begin = end;
    const auto expected = reference.expected(name + "_means");
    double apart = 0, largest = 0;
    for (std::int64_t b = 0; b < maps.count(); ++b) {
      for (std::int64_t c = 0; c < maps.rows.columns(); ++c) {
        double sum = 0;
        for (std::int64_t i = 0; i < maps.places(); ++i) sum += maps.rows.row(b * maps.places() + i)[c];
        const double value = expected.values[static_cast<std::size_t>(b * maps.rows.columns() + c)];
        apart = std::max(apart, std::abs(sum / static_cast<double>(maps.places()) - value));
        largest = std::max(largest, std::abs(value));
      }
    }
    EXPECT_LT(apart, 5e-6 * largest) << name;
    if (name != "stage_3") continue;
    const auto [one_apart, one_largest] =
        compare(maps.rows.slice(0, maps.places()), reference.expected("stage_3"));
    EXPECT_LT(one_apart, 5e-6 * one_largest);
  }
}

}  // namespace
}  // namespace beeld
