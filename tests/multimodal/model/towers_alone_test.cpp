// One tower of a dual encoder, saved alone as transformers saves it, gives what it gives in the whole.

#include <beeld/model.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string> texts{"a photo of a cat", "red dog", ""};

double apart(const Matrix& a, const Matrix& b) {
  EXPECT_EQ(a.values.size(), b.values.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.values.size(), b.values.size()); ++i)
    largest =
        std::max(largest, std::abs(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i])));
  return largest;
}

/// A copy of a checkpoint with the weights and the configuration of one tower alone.
class Alone {
 public:
  Alone(const fs::path& whole, const std::string& family) : family_(family), place_(folder_ / "alone") {
    fs::copy(whole, place_, fs::copy_options::recursive);
    fs::remove(place_ / "model.safetensors");
    config_ = read_json(whole / "config.json");
    weights_ = testing::read_tensors(whole / "model.safetensors");
  }

  Model tower(const std::string& kind, std::initializer_list<const char*> names) const {
    auto own = config_[kind + "_config"];
    own["model_type"] = family_ + "_" + kind + "_model";
    if (config_.contains("projection_dim")) own["projection_dim"] = config_["projection_dim"];
    write_file_atomically(place_ / "config.json", own.dump());
    testing::StoredTensors part;
    for (const auto& [name, tensor] : weights_) {
      const auto begins = [&name = name](const char* begin) { return name.starts_with(begin); };
      if (std::ranges::any_of(names, begins)) part.emplace(name, tensor);
    }
    testing::write_tensors(place_ / "model.safetensors", part);
    return Model::load(place_);
  }

  const json& config() const { return config_; }

 private:
  testing::TemporaryFolder folder_;
  std::string family_;
  fs::path place_;
  json config_;
  testing::StoredTensors weights_;
};

void expect_same(const Model& whole, const Model& vision, const Model& text) {
  const std::vector<Image> images{testing::wave_picture(40, 32, 1), testing::wave_picture(40, 32, 2)};
  EXPECT_FALSE(vision.info().has_text);
  EXPECT_FALSE(text.info().has_images);
  EXPECT_EQ(apart(vision.encode_images(images), whole.encode_images(images)), 0);
  EXPECT_EQ(apart(text.encode_texts(texts), whole.encode_texts(texts)), 0);
}

TEST(TowersAlone, OfClipGiveWhatTheyGiveInTheWhole) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "whole");
  const Alone alone(folder / "whole", "clip");
  expect_same(Model::load(folder / "whole"), alone.tower("vision", {"vision_model.", "visual_projection."}),
              alone.tower("text", {"text_model.", "text_projection."}));
}

// transformers' CLIPVisionModel and CLIPTextModel, which end before the projection.
TEST(TowersAlone, OfClipMayLackTheirProjection) {
  const testing::TemporaryFolder folder;
  testing::write_tiny_model(folder / "whole");
  const Alone alone(folder / "whole", "clip");
  for (const auto* kind : {"vision", "text"}) {
    const auto name = std::string(kind) + "_model.";
    EXPECT_EQ(alone.tower(kind, {name.c_str()}).info().dimension,
              alone.config()[std::string(kind) + "_config"]["hidden_size"].get<std::size_t>());
  }
}

TEST(TowersAlone, OfSiglipGiveWhatTheyGiveInTheWhole) {
  BEELD_NEED_SHARED("conformance/siglip/public");
  const auto folder = testing::shared_folder() / "conformance/siglip/public";
  const Alone alone(folder, "siglip");
  expect_same(Model::load(folder), alone.tower("vision", {"vision_model."}),
              alone.tower("text", {"text_model."}));
}

}  // namespace
}  // namespace beeld
