// FastViTs as they are read, every sum of branches one kernel, against the branches as they have learned.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/vision/convolution/unfolded.h"
#include "tests/vision/model/random_tower.h"
#include "vision/convolution/folding.h"
#include "vision/model/families.h"

namespace beeld {
namespace {

using testing::Unfolded;
using Maps = Unfolded::Maps;
using Json = nlohmann::json;

constexpr int embedding_width = 10;

struct Variant {
  const char* name;
  std::vector<int> layers, widths;
  int mlp_ratio = 3;
  std::size_t attention_from = 3;
  std::size_t excited_from = 2;
  bool layer_norms = false, stem_scale = true, activation_behind_large = true;
};

/// The forward of timm's FastViT before its branches are joined.
class FastViT : public Unfolded {
 public:
  explicit FastViT(Variant variant) : variant_(std::move(variant)) {}

  /// The rows behind the last convolution.
  Maps features(const Pixels& picture) {
    const std::string begin = "visual.trunk.";
    auto x = maps_of<double>({&picture, 1});
    const std::int64_t first = variant_.widths[0];
    x = gelu(mobile_one(x, begin + "stem.0.", {{3, 2, 1}}, {first, variant_.stem_scale}));
    x = gelu(mobile_one(x, begin + "stem.1.", {{3, 2, 1}, first}, {first, variant_.stem_scale}));
    x = gelu(mobile_one(x, begin + "stem.2.", {{1, 1, 0}}, {first, variant_.stem_scale}));
    for (std::size_t stage = 0; stage < variant_.layers.size(); ++stage)
      x = through_stage(x, begin + "stages." + std::to_string(stage) + ".", stage);
    const auto width = x.rows.columns();
    x = mobile_one(x, begin + "final_conv.", {{3, 1, 1}, width}, {2 * width, true});
    return gelu(excited(x, begin + "final_conv.se.", std::max<std::int64_t>(1, (2 * width + 8) / 16)));
  }

  Tensor<double> embedded(const Maps& x) {
    return linear(mean(x), "visual.trunk.head.fc.weight", "visual.trunk.head.fc.bias", embedding_width).rows;
  }

 private:
  struct Outputs {
    std::int64_t count;
    bool scale_branch;
  };

  static Maps gelu(Maps x) { return activated(std::move(x), Activation::gelu); }

  Maps normed(const Maps& x, const std::string& begin, const Convolution<double>& shape,
              std::int64_t outputs) {
    return batch_norm(convolution(x, begin + "conv.", shape, outputs), begin + "bn.");
  }

  Maps mobile_one(const Maps& x, const std::string& begin, const Convolution<double>& shape,
                  Outputs outputs) {
    auto y = normed(x, begin + "conv_kxk.0.", shape, outputs.count);
    if (shape.window.edge > 1 && outputs.scale_branch) {
      y = sum(y,
              normed(x, begin + "conv_scale.", {{1, shape.window.stride, 0}, shape.groups}, outputs.count));
    }
    if (outputs.count == x.rows.columns() && shape.window.stride == 1)
      y = sum(y, batch_norm({x.rows.clone(), x.height, x.width}, begin + "identity."));
    return y;
  }

  Maps excited(Maps x, const std::string& begin, std::int64_t squeezed) {
    auto factors = linear(mean(x), begin + "fc1.weight", begin + "fc1.bias", squeezed);
    factors = activated(factors, Activation::relu);
    factors = linear(factors, begin + "fc2.weight", begin + "fc2.bias", x.rows.columns());
    for (std::int64_t i = 0; i < x.rows.rows(); ++i) {
      for (std::int64_t c = 0; c < x.rows.columns(); ++c)
        x.rows.row(i)[c] /= 1 + std::exp(-factors.rows.data()[c]);
    }
    return x;
  }

  Maps downsampled(const Maps& x, const std::string& begin, std::size_t stage) {
    const std::int64_t from = x.rows.columns(), width = variant_.widths[stage];
    auto y = sum(normed(x, begin + "0.large_conv.", {{7, 2, 3}, from}, width),
                 normed(x, begin + "0.small_conv.", {{3, 2, 1}, from}, width));
    if (stage >= variant_.excited_from)
      y = excited(y, begin + "0.se.", std::max<std::int64_t>(8, (width / 4 + 4) / 8 * 8));
    if (variant_.activation_behind_large) y = gelu(y);
    return gelu(mobile_one(y, begin + "1.", {{1, 1, 0}}, {width, true}));
  }

  Maps through_stage(Maps x, const std::string& begin, std::size_t stage) {
    const std::int64_t width = variant_.widths[stage];
    if (stage > 0) x = downsampled(x, begin + "downsample.proj.", stage);
    const bool attends = stage >= variant_.attention_from;
    if (attends) {
      auto y = convolution(x, begin + "pos_emb.pos_enc.", {{7, 1, 3}, width}, width);
      const auto bias = read(begin + "pos_emb.pos_enc.bias", {width});
      for (std::int64_t i = 0; i < y.rows.rows(); ++i) {
        for (std::int64_t c = 0; c < width; ++c) y.rows.row(i)[c] += bias.data()[c];
      }
      x = sum(x, y);
    }
    for (int i = 0; i < variant_.layers[stage]; ++i) {
      const auto block = begin + "blocks." + std::to_string(i) + ".";
      x = attends ? attention(x, block) : mixed(x, block + "token_mixer.");
      const auto gain =
          read(block + (attends ? "layer_scale_2.gamma" : "layer_scale.gamma"), {width, 1, 1}, 0.5);
      x = scaled_sum(x, mlp(x, block + "mlp."), gain);
    }
    return x;
  }

  Maps mixed(const Maps& x, const std::string& begin) {
    const auto width = x.rows.columns();
    const auto mixer = mobile_one(x, begin + "mixer.", {{3, 1, 1}, width}, {width, true});
    const auto norm = batch_norm({x.rows.clone(), x.height, x.width}, begin + "norm.identity.");
    return scaled_sum(x, sum(mixer, norm, -1), read(begin + "layer_scale.gamma", {width, 1, 1}, 0.5));
  }

  Maps mlp(const Maps& x, const std::string& begin) {
    const auto width = x.rows.columns();
    auto y = normed(x, begin + "conv.", {{7, 1, 3}, width}, width);
    y = gelu(pointwise(y, begin + "fc1.", width * variant_.mlp_ratio));
    return pointwise(y, begin + "fc2.", width);
  }

  Maps pointwise(const Maps& x, const std::string& begin, std::int64_t outputs) {
    auto y = linear(x, begin + "weight", begin + "bias", outputs);
    return y;
  }

  Maps layer_norm(Maps x, const std::string& begin) {
    const auto width = x.rows.columns();
    const auto gain = read(begin + "weight", {width}, 1), bias = read(begin + "bias", {width});
    for (std::int64_t i = 0; i < x.rows.rows(); ++i) {
      double* row = x.rows.row(i);
      double middle = 0, variance = 0;
      for (std::int64_t c = 0; c < width; ++c) middle += row[c] / static_cast<double>(width);
      for (std::int64_t c = 0; c < width; ++c)
        variance += (row[c] - middle) * (row[c] - middle) / static_cast<double>(width);
      for (std::int64_t c = 0; c < width; ++c)
        row[c] = (row[c] - middle) / std::sqrt(variance + 1e-5) * gain.data()[c] + bias.data()[c];
    }
    return x;
  }

  Maps attention(const Maps& x, const std::string& block) {
    const auto width = x.rows.columns();
    Maps h{x.rows.clone(), x.height, x.width};
    h = variant_.layer_norms ? layer_norm(h, block + "norm.") : batch_norm(h, block + "norm.");
    const auto all = linear(h, block + "token_mixer.qkv.weight", "", 3 * width).rows;
    const auto attended = Unfolded::attended(columns(all, 0, width), columns(all, width, 2 * width),
                                             columns(all, 2 * width, 3 * width), width / 32);
    const auto output = linear({attended, x.height, x.width}, block + "token_mixer.proj.weight",
                               block + "token_mixer.proj.bias", width);
    return scaled_sum(x, output, read(block + "layer_scale_1.gamma", {width, 1, 1}, 0.5));
  }

  Variant variant_;
};

const std::vector<int> four{32, 32, 64, 128}, one_a_stage{1, 1, 1, 1};

std::vector<Variant> variants() {
  return {{"fastvit_mci0", {1, 2, 1, 2}, four},
          {"fastvit_mci3", {1, 1, 1, 1, 1}, {16, 32, 32, 64, 64}, 4, 3, 9, true, false, true},
          {"fastvit_t8", one_a_stage, {12, 12, 24, 24}, 3, 9, 9, false, true, false},
          {"fastvit_sa12", one_a_stage, four, 4, 3, 9, false, true, false}};
}

Json settings_of(const Variant& variant, int edge) {
  return {{"timm_model_name", variant.name},
          {"timm_model_kwargs", {{"layers", variant.layers}, {"embed_dims", variant.widths}}},
          {"timm_pool", "avg"},
          {"timm_proj", nullptr},
          {"image_size", edge}};
}

VisionTower<float> read(const std::filesystem::path& file, const Json& settings) {
  const Checkpoint checkpoint(file);
  WeightReader weights(checkpoint, "test");
  auto tower = read_open_clip_timm_vision(weights, Settings(settings, "test"), embedding_width);
  weights.done();
  return tower;
}

TEST(FastViTTower, FoldedEqualsItsBranchesAsTheyHaveLearned) {
  const testing::TemporaryFolder folder;
  for (const auto& variant : variants()) {
    SCOPED_TRACE(variant.name);
    const auto picture = testing::random_picture(64, 64, 5);
    FastViT plain(variant);
    const auto features = plain.features(picture);
    const auto expected = plain.embedded(features);
    testing::write_tensors(folder / "a.safetensors", plain.tensors());
    auto tower = read(folder / "a.safetensors", settings_of(variant, 64));
    const std::vector<Pixels> pictures{picture, testing::random_picture(64, 64, 6)};
    for (const bool packed : {false, true}) {
      if (packed) pack(tower);
      Pass<float> pass;
      const auto states = hidden_states<float>(tower, pictures, pass);
      const auto count = features.rows.rows();
      EXPECT_EQ(states.tokens.grids[0],
                (Grid{static_cast<int>(features.height), static_cast<int>(features.width)}));
      EXPECT_LT(testing::difference(states.rows.slice(0, count), features.rows), 2e-5);
      EXPECT_LT(testing::difference(encode<float>(tower, pictures, pass).slice(0, 1), expected), 1e-5);
    }
  }
}

/// A kernel as a checkpoint has it: [O,C/G,edge,edge].
testing::StoredTensor stored(const Kernel& kernel) {
  const auto [outputs, channels, edge] = kernel.shape();
  const auto rows = kernel.rows(0, outputs);
  testing::StoredTensor tensor{{outputs, channels, edge, edge}, {}};
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t tap = 0; tap < edge * edge; ++tap)
        tensor.values.push_back(rows.row(o)[tap * channels + c]);
    }
  }
  return tensor;
}

/// What timm's reparameterize_model makes of a checkpoint: `reparam_conv` in place of branches.
class Reparameterized {
 public:
  explicit Reparameterized(const testing::StoredTensors& branches, const std::filesystem::path& file)
      : tensors_(branches), checkpoint_(file), weights_(checkpoint_, "branches") {}

  testing::StoredTensors joined() {
    const auto all = tensors_;
    for (const auto& [name, tensor] : all) {
      if (const auto at = name.find("mixer.conv_kxk.0.conv.weight"); at != name.npos) {
        join_mixer(name.substr(0, at), tensor.shape);
      } else if (const auto block = name.find("conv_kxk.0.conv.weight"); block != name.npos) {
        replace(name.substr(0, block), branches(name.substr(0, block), tensor.shape));
      } else if (const auto large = name.find("large_conv.conv.weight"); large != name.npos) {
        auto sum = normed(name.substr(0, large) + "large_conv.", tensor.shape);
        sum.add(normed(name.substr(0, large) + "small_conv.", {tensor.shape[0], 1, 3, 3}));
        replace(name.substr(0, large), sum);
      } else if (const auto positions = name.find("pos_enc.weight"); positions != name.npos) {
        const auto begin = name.substr(0, positions);
        auto kernel = read_kernel(weights_, begin + "pos_enc.", {tensor.shape[0], 1, 7}, Bias::present);
        kernel.add_input(unchanged(tensor.shape[0]));
        replace(begin, kernel);
      }
    }
    return tensors_;
  }

 private:
  using Extents = std::vector<std::int64_t>;

  Kernel normed(const std::string& begin, const Extents& shape) {
    auto kernel = read_kernel(weights_, begin + "conv.", {shape[0], shape[1], shape[2]}, Bias::absent);
    kernel.fold(read_batch_norm(weights_, begin + "bn.", shape[0]));
    return kernel;
  }

  Kernel branches(const std::string& begin, const Extents& shape) {
    auto sum = normed(begin + "conv_kxk.0.", shape);
    if (weights_.has(begin + "conv_scale.conv.weight"))
      sum.add(normed(begin + "conv_scale.", {shape[0], shape[1], 1, 1}));
    if (weights_.has(begin + "identity.weight"))
      sum.add_input(read_batch_norm(weights_, begin + "identity.", shape[0]));
    return sum;
  }

  void join_mixer(const std::string& begin, const Extents& shape) {
    auto sum = branches(begin + "mixer.", shape);
    sum.add_input(read_batch_norm(weights_, begin + "norm.identity.", shape[0]), -1);
    sum.scale(weights_.read(begin + "layer_scale.gamma", {shape[0]}));
    sum.add_input(unchanged(shape[0]));
    replace(begin, sum);
  }

  /// Everything below `begin` but squeeze and excitation.
  void replace(const std::string& begin, const Kernel& kernel) {
    std::erase_if(tensors_, [&](const auto& each) {
      return each.first.starts_with(begin) && !each.first.starts_with(begin + "se.");
    });
    tensors_[begin + "reparam_conv.weight"] = stored(kernel);
    const auto bias = kernel.bias();
    tensors_[begin + "reparam_conv.bias"] = {{bias.size()}, {bias.data(), bias.data() + bias.size()}};
  }

  testing::StoredTensors tensors_;
  Checkpoint checkpoint_;
  WeightReader weights_;
};

TEST(FastViTTower, APublishedSumOfBranchesIsReadAsWell) {
  const testing::TemporaryFolder folder;
  for (const auto& variant : variants()) {
    SCOPED_TRACE(variant.name);
    const std::vector<Pixels> pictures{testing::random_picture(64, 64, 5)};
    FastViT plain(variant);
    plain.embedded(plain.features(pictures[0]));
    testing::write_tensors(folder / "apart.safetensors", plain.tensors());
    const auto joined = Reparameterized(plain.tensors(), folder / "apart.safetensors").joined();
    EXPECT_LT(joined.size(), plain.tensors().size() / 2);
    testing::write_tensors(folder / "joined.safetensors", joined);
    Pass<float> pass;
    const auto expected =
        encode<float>(read(folder / "apart.safetensors", settings_of(variant, 64)), pictures, pass);
    const auto tower = read(folder / "joined.safetensors", settings_of(variant, 64));
    EXPECT_EQ(testing::difference(encode<float>(tower, pictures, pass), expected), 0);
  }
}

TEST(FastViTTower, RefusesWhatItCannotBe) {
  const testing::TemporaryFolder folder;
  const auto variant = variants()[0];
  FastViT plain(variant);
  plain.embedded(plain.features(testing::random_picture(32, 32, 5)));
  const auto file = folder / "a.safetensors";
  testing::write_tensors(file, plain.tensors());
  const auto refuse = [&](ErrorCode code, const char* part, const Json& settings) {
    testing::expect_error(code, part, [&] { read(file, settings); });
  };
  const auto good = settings_of(variant, 32);
  read(file, good);
  const auto with = [&](const char* key, const Json& value) {
    auto changed = good;
    changed[key] = value;
    return changed;
  };
  refuse(ErrorCode::unsupported, "expected a multiple of 32", with("image_size", 40));
  refuse(ErrorCode::unsupported, "known of its kind are fastvit_ma36",
         with("timm_model_name", "fastvit_mci9"));
  refuse(ErrorCode::unsupported, "timm_pool", with("timm_pool", "token"));
  refuse(ErrorCode::corrupt, "expected 4 counts", with("timm_model_kwargs", {{"layers", {1, 2}}}));
  refuse(ErrorCode::unsupported, "token_mixers", with("timm_model_kwargs", {{"token_mixers", {"repmixer"}}}));
  refuse(ErrorCode::unsupported, "attention_window", with("attention_window", 3));
}

// MobileCLIP-B: convolutions in front of a ViT. Without blocks it is a sum that can be written down.
TEST(HybridTower, ReadsPatchesOutOfConvolutions) {
  const testing::TemporaryFolder folder;
  constexpr std::int64_t width = 24;
  const auto picture = testing::random_picture(32, 32, 5);
  Unfolded plain;
  const std::string begin = "visual.trunk.", stem = begin + "patch_embed.backbone.";
  const auto gelu = [](const Maps& x) { return Unfolded::activated(x, Activation::gelu); };
  auto x = plain.convolution(maps_of<double>({&picture, 1}), stem + "0.conv.", {{4, 4, 0}}, width / 4);
  x = gelu(plain.batch_norm(x, stem + "0.bn."));
  x = gelu(plain.batch_norm(plain.convolution(x, stem + "1.conv.", {{2, 2, 0}}, width / 4), stem + "1.bn."));
  x = plain.convolution(x, stem + "2.conv.", {{2, 2, 0}}, width);
  const auto bias = plain.read(stem + "2.conv.bias", {width});
  const auto positions = plain.read(begin + "pos_embed", {1, 4, width});
  plain.read(begin + "cls_token", {1, 1, width});
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t c = 0; c < width; ++c)
      x.rows.row(i)[c] += bias.data()[c] + positions.data()[i * width + c];
  }
  const auto middle = Unfolded::mean(x).rows;
  Maps normed{Tensor<double>({1, width}), 1, 1};
  const auto gain = plain.read(begin + "fc_norm.weight", {width}, 1),
             shift = plain.read(begin + "fc_norm.bias", {width});
  Pass<double> exact;
  normed.rows = norm<double>(middle, {.eps = 1e-6, .gain = gain, .bias = shift}, exact);
  const auto expected =
      plain.linear(normed, begin + "head.weight", begin + "head.bias", embedding_width).rows;
  testing::write_tensors(folder / "a.safetensors", plain.tensors());
  const auto tower = read(folder / "a.safetensors",
                          {{"timm_model_name", "vit_base_mci_224"},
                           {"timm_model_kwargs", {{"embed_dim", width}, {"depth", 0}, {"num_heads", 2}}},
                           {"timm_pool", "avg"},
                           {"timm_proj", nullptr},
                           {"image_size", 32}});
  Pass<float> pass;
  const std::vector<Pixels> pictures{testing::random_picture(32, 32, 6), picture};
  EXPECT_LT(testing::difference(encode<float>(tower, pictures, pass).slice(1, 2), expected), 1e-5);
}

}  // namespace
}  // namespace beeld
