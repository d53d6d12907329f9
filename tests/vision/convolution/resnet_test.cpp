// CLIP's ResNets as they are read, norms folded, against the layers as they have learned.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/vision/convolution/unfolded.h"
#include "tests/vision/model/random_tower.h"
#include "vision/model/families.h"

namespace beeld {
namespace {

using testing::Unfolded;
using Maps = Unfolded::Maps;
using Json = nlohmann::json;

constexpr int embedding_width = 10;

/// The forward of the paper's modified ResNet; `layers` blocks a stage.
class ResNet : public Unfolded {
 public:
  ResNet(std::vector<int> layers, std::int64_t width) : layers_(std::move(layers)), width_(width) {}

  Maps features(const Pixels& picture) {
    auto x = maps_of<double>({&picture, 1});
    x = normed(x, "visual.conv1.", "visual.bn1.", {{3, 2, 1}}, width_ / 2);
    x = normed(activated(x, Activation::relu), "visual.conv2.", "visual.bn2.", {{3, 1, 1}}, width_ / 2);
    x = normed(activated(x, Activation::relu), "visual.conv3.", "visual.bn3.", {{3, 1, 1}}, width_);
    x = average_pool(activated(x, Activation::relu), 2, pass_);
    for (std::size_t stage = 0; stage < layers_.size(); ++stage) {
      for (int i = 0; i < layers_[stage]; ++i) {
        const auto begin = "visual.layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
        x = bottleneck(x, begin, width_ << stage, stage > 0 && i == 0 ? 2 : 1);
      }
    }
    return x;
  }

  /// The mean asks, in front of all places.
  Tensor<double> pooled(const Maps& x, std::int64_t heads) {
    const auto width = x.rows.columns(), count = x.rows.rows() + 1;
    const auto mean = Unfolded::mean(x).rows;
    const auto positions = read("visual.attnpool.positional_embedding", {count, width}, 0, 0.2);
    Maps tokens{Tensor<double>({count, width}), 1, count};
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t c = 0; c < width; ++c) {
        tokens.rows.row(i)[c] =
            (i == 0 ? mean.data()[c] : x.rows.row(i - 1)[c]) + positions.data()[i * width + c];
      }
    }
    const auto projected = [&](const std::string& part, const Maps& of, std::int64_t outputs) {
      return linear(of, "visual.attnpool." + part + ".weight", "visual.attnpool." + part + ".bias", outputs);
    };
    const Maps first{tokens.rows.slice(0, 1), 1, 1};
    const auto q = projected("q_proj", first, width), k = projected("k_proj", tokens, width),
               v = projected("v_proj", tokens, width);
    return projected("c_proj", {attended(q.rows, k.rows, v.rows, heads), 1, 1}, embedding_width).rows;
  }

 private:
  Maps normed(const Maps& x, const std::string& convolution, const std::string& norm,
              const Convolution<double>& shape, std::int64_t outputs) {
    return batch_norm(Unfolded::convolution(x, convolution, shape, outputs), norm);
  }

  Maps bottleneck(const Maps& x, const std::string& begin, std::int64_t width, int stride) {
    auto y = normed(x, begin + "conv1.", begin + "bn1.", {{1, 1, 0}}, width);
    y = normed(activated(y, Activation::relu), begin + "conv2.", begin + "bn2.", {{3, 1, 1}}, width);
    y = average_pool(activated(y, Activation::relu), stride, pass_);
    y = normed(y, begin + "conv3.", begin + "bn3.", {{1, 1, 0}}, 4 * width);
    auto beside = x;
    if (stride > 1 || x.rows.columns() != 4 * width) {
      beside = normed(average_pool(x, stride, pass_), begin + "downsample.0.", begin + "downsample.1.",
                      {{1, 1, 0}}, 4 * width);
    }
    return activated(sum(y, beside), Activation::relu);
  }

  std::vector<int> layers_;
  std::int64_t width_;
  Pass<double> pass_;
};

Json settings_of(const std::vector<int>& layers, int width, int edge) {
  return {{"layers", layers}, {"width", width}, {"image_size", edge}, {"patch_size", nullptr}};
}

VisionTower<float> read(const std::filesystem::path& file, const Json& settings) {
  const Checkpoint checkpoint(file);
  WeightReader weights(checkpoint, "test");
  auto tower =
      read_open_clip_vision(weights, Settings(settings, "test"), {embedding_width, Activation::gelu});
  weights.done();
  return tower;
}

TEST(ResNetTower, FoldedEqualsItsLayersAsTheyHaveLearned) {
  const testing::TemporaryFolder folder;
  const auto picture = testing::random_picture(64, 64, 5);
  ResNet plain({1, 2, 1, 1}, 6);
  const auto features = plain.features(picture);
  const auto expected = plain.pooled(features, 3);
  testing::write_tensors(folder / "a.safetensors", plain.tensors());
  auto settings = settings_of({1, 2, 1, 1}, 6, 64);
  settings["head_width"] = 64;  // 192 channels
  auto tower = read(folder / "a.safetensors", settings);
  for (const bool packed : {false, true}) {
    if (packed) pack(tower);
    Pass<float> pass;
    const std::vector<Pixels> pictures{picture, testing::random_picture(64, 64, 6), picture};
    const auto states = hidden_states<float>(tower, pictures, pass);
    EXPECT_LT(testing::difference(states.rows.slice(0, 4), features.rows), 1e-5 * 10);
    EXPECT_EQ(states.tokens.grids[2], (Grid{2, 2}));
    const auto embedded = encode<float>(tower, pictures, pass);
    EXPECT_LT(testing::difference(embedded.slice(0, 1), expected), 1e-5);
    // Where a row lies decides in which order a product of few rows sums.
    EXPECT_LT(testing::difference(embedded.slice(0, 1), embedded.slice(2, 3)), 1e-7);
  }
}

TEST(ResNetTower, RefusesWhatItCannotBe) {
  const testing::TemporaryFolder folder;
  ResNet plain({1, 1, 1, 1}, 2);
  plain.pooled(plain.features(testing::random_picture(32, 32, 5)), 1);
  const auto file = folder / "a.safetensors";
  testing::write_tensors(file, plain.tensors());
  const auto refuse = [&](ErrorCode code, const char* part, const Json& settings) {
    testing::expect_error(code, part, [&] { read(file, settings); });
  };
  const auto good = settings_of({1, 1, 1, 1}, 2, 32);
  read(file, good);
  refuse(ErrorCode::corrupt, "expected four counts", settings_of({1, 1, 1}, 2, 32));
  refuse(ErrorCode::corrupt, "expected four counts", settings_of({1, 1, 0, 1}, 2, 32));
  refuse(ErrorCode::corrupt, "visual.layer2.1.conv1.weight", settings_of({1, 2, 1, 1}, 2, 32));
  refuse(ErrorCode::corrupt, "positional_embedding", settings_of({1, 1, 1, 1}, 2, 64));
  refuse(ErrorCode::corrupt, "visual.conv1.weight", settings_of({1, 1, 1, 1}, 4, 32));
  auto changed = good;
  changed["head_width"] = 128;
  refuse(ErrorCode::corrupt, "0 heads", changed);
  changed = good;
  changed["attention_window"] = 12;
  refuse(ErrorCode::unsupported, "attention_window", changed);
  auto damaged = plain.tensors();
  damaged["visual.bn2.running_var"].values[0] = -1;
  testing::write_tensors(file, damaged);
  refuse(ErrorCode::corrupt, "visual.bn2.running_var", good);
}

TEST(ResNetTower, ReadsAllPatchesOfPicturesOfItsSize) {
  const testing::TemporaryFolder folder;
  ResNet plain({1, 1, 1, 1}, 2);
  const std::vector<Pixels> pictures{testing::random_picture(32, 32, 5)};
  plain.pooled(plain.features(pictures[0]), 1);
  testing::write_tensors(folder / "a.safetensors", plain.tensors());
  const auto tower = read(folder / "a.safetensors", settings_of({1, 1, 1, 1}, 2, 32));
  Pass<float> pass;
  const std::vector<Pixels> large{testing::random_picture(64, 64, 5)};
  testing::expect_error(ErrorCode::invalid_argument, "the model reads 32x32",
                        [&] { encode<float>(tower, large, pass); });
  const std::vector<std::vector<std::int32_t>> kept{{0}};
  testing::expect_error(ErrorCode::invalid_argument, "patches that come out of convolutions",
                        [&] { encode<float>(tower, pictures, pass, kept); });
}

}  // namespace
}  // namespace beeld
