// What the names of timm's networks stand for, and how arguments change it.
#include "vision/model/timm_architecture.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"

namespace beeld {
namespace {

VisionConfig config_of(const std::string& name, nlohmann::json arguments = nlohmann::json::object()) {
  return timm_architecture(name, Settings(std::move(arguments), "arguments")).config;
}

enum class Gains { absent, present };  // LayerScale

/// A network in the words of timm's own table.
struct Known {
  const char* name;
  int width, layers, heads, mlp_width, patch, pixels;
  int prefix, positioned;
  VisionPool pool;
  OutputNorm norm;
  Gains gains;
};

constexpr auto token = VisionPool::first_token, avg = VisionPool::mean, map = VisionPool::probe;
constexpr auto before = OutputNorm::before_pooling, behind = OutputNorm::after_pooling;
constexpr auto no = Gains::absent, yes = Gains::present;

constexpr Known table[] = {
    {"vit_small_patch8_224.dino", 384, 12, 6, 1536, 8, 224, 1, 1, token, before, no},
    {"vit_base_patch16_224_miil", 768, 12, 12, 3072, 16, 224, 1, 1, token, before, no},
    {"vit_medium_patch16_gap_256", 512, 12, 8, 2048, 16, 256, 0, 0, avg, before, yes},
    {"vit_medium_patch16_reg4_gap_256", 512, 12, 8, 2048, 16, 256, 4, 0, avg, behind, yes},
    {"vit_mediumd_patch16_reg4_gap_384", 512, 20, 8, 2048, 16, 384, 4, 0, avg, behind, yes},
    {"vit_wee_patch16_reg1_gap_256", 256, 14, 4, 1280, 16, 256, 1, 0, avg, behind, yes},
    {"vit_little_patch16_reg4_gap_256", 320, 14, 5, 1792, 16, 256, 4, 0, avg, behind, yes},
    {"vit_base_patch16_gap_224", 768, 12, 16, 3072, 16, 224, 0, 0, avg, before, no},
    {"vit_base_patch16_reg4_gap_256", 768, 12, 12, 3072, 16, 256, 4, 0, avg, behind, no},
    {"vit_giant_patch16_gap_224", 1408, 40, 16, 6144, 16, 224, 0, 0, avg, before, no},
    {"vit_so150m_patch16_reg4_gap_256", 896, 18, 14, 2304, 16, 256, 4, 4, avg, before, no},
    {"vit_so150m_patch16_reg4_map_256", 896, 18, 14, 2304, 16, 256, 4, 4, map, before, no},
    {"vit_so150m2_patch16_reg1_gap_448", 832, 21, 13, 2176, 16, 448, 1, 1, avg, behind, yes},
    {"vit_so400m_patch14_siglip_gap_384", 1152, 27, 16, 4304, 14, 384, 0, 0, avg, before, no},
    {"vit_xsmall_patch16_clip_224.tinyclip_yfcc15m", 256, 10, 4, 1024, 16, 224, 1, 1, token, before, no},
    {"vit_base_patch16_plus_clip_240", 896, 12, 14, 3584, 16, 240, 1, 1, token, before, no},
    {"vit_giant_patch14_reg4_dinov2", 1536, 40, 24, 4096, 14, 518, 5, 0, token, before, yes},
    {"vit_base_patch16_rpn_224", 768, 12, 12, 3072, 16, 224, 0, 0, avg, behind, no},
    {"vit_intern300m_patch14_448", 1024, 24, 16, 4096, 14, 448, 1, 1, token, OutputNorm::absent, yes},
    {"deit_base_patch16_384", 768, 12, 12, 3072, 16, 384, 1, 1, token, before, no},
    {"deit3_huge_patch14_224", 1280, 32, 16, 5120, 14, 224, 1, 0, token, before, yes},
    {"flexivit_large", 1024, 24, 16, 4096, 16, 240, 1, 0, token, before, no},
    {"eva_large_patch14_336", 1024, 24, 16, 4096, 14, 336, 1, 1, avg, behind, no},
    {"eva_giant_patch14_560", 1408, 40, 16, 6144, 14, 560, 1, 1, avg, behind, no},
    {"eva_giant_patch14_clip_224", 1408, 40, 16, 6144, 14, 224, 1, 1, token, before, no},
    {"eva02_tiny_patch14_336", 192, 12, 3, 512, 14, 336, 1, 1, avg, behind, no},
    {"eva02_base_patch14_448", 768, 12, 12, 2048, 14, 448, 1, 1, avg, behind, no},
    {"eva02_base_patch16_clip_224", 768, 12, 12, 2048, 16, 224, 1, 1, token, before, no},
    {"eva02_large_patch14_clip_336", 1024, 24, 16, 2730, 14, 336, 1, 1, token, before, no},
    {"eva02_enormous_patch14_clip_224", 1792, 64, 16, 15360, 14, 224, 1, 1, token, before, no},
};

TEST(TimmNames, StandForTheirNetworks) {
  for (const auto& known : table) {
    SCOPED_TRACE(known.name);
    const auto config = config_of(known.name);
    const auto& block = config.block;
    EXPECT_EQ(block.width, known.width);
    EXPECT_EQ(config.layers, known.layers);
    EXPECT_EQ(block.attention.heads, known.heads);
    EXPECT_EQ(block.mlp_width, known.mlp_width);
    EXPECT_EQ(config.patch, known.patch);
    EXPECT_EQ(config.image_width, known.pixels);
    EXPECT_EQ(config.prefix(), known.prefix);
    EXPECT_EQ(config.positioned_tokens, known.positioned);
    EXPECT_EQ(config.pool, known.pool);
    EXPECT_EQ(config.output_norm, known.norm);
    EXPECT_EQ(block.residual_scale == ResidualScale::learned, known.gains == Gains::present);
  }
}

TEST(TimmNames, OfEvaSayHowBlocksAreBuilt) {
  const auto clip = config_of("eva02_base_patch16_clip_224");
  EXPECT_EQ(clip.block.attention.position, PositionScheme::rotary);
  EXPECT_EQ(clip.rotary_grid, 16);  // also for the 14 rows of patches of 16
  EXPECT_EQ(clip.block.attention.inner_norm, InnerNorm::present);
  EXPECT_EQ(clip.block.mlp_inner_norm, InnerNorm::present);
  EXPECT_EQ(clip.block.gating, Gating::gated);
  const auto base = config_of("eva02_base_patch14_224");
  EXPECT_EQ(base.block.attention.inner_norm, InnerNorm::absent);
  EXPECT_EQ(base.block.mlp_inner_norm, InnerNorm::present);
  const auto tiny = timm_architecture("eva02_tiny_patch14_224", Settings(nlohmann::json::object(), ""));
  EXPECT_EQ(tiny.config.block.mlp_inner_norm, InnerNorm::absent);
  EXPECT_STREQ(tiny.names.query_key_value, "attn.qkv.");
  EXPECT_STREQ(tiny.names.gate_up, "mlp.fc1.");
  const auto enormous = config_of("eva02_enormous_patch14_clip_224");
  EXPECT_EQ(enormous.block.norm_place, NormPlace::tail);
  EXPECT_EQ(enormous.block.attention.position, PositionScheme::added);
  EXPECT_EQ(enormous.block.gating, Gating::none);
  for (const auto& config : {clip, base, tiny.config, enormous})
    EXPECT_EQ(config.block.attention.key_bias, Bias::absent);
}

TEST(TimmArguments, ChangeWhatTheNameSays) {
  const auto normed = config_of("vit_base_patch16_224", {{"qk_norm", true}, {"scale_attn_norm", true}});
  EXPECT_EQ(normed.block.attention.query_key_norm, InnerNorm::present);
  EXPECT_EQ(normed.block.attention.inner_norm, InnerNorm::present);
  EXPECT_EQ(config_of("vit_base_patch16_224", {{"global_pool", "avg"}}).output_norm, behind);
  EXPECT_EQ(config_of("vit_base_patch16_224", {{"global_pool", "avg"}, {"fc_norm", false}}).output_norm,
            before);
  EXPECT_EQ(config_of("vit_base_patch16_224", {{"fc_norm", true}}).output_norm, behind);
  // A name that says where the norm is says so for any pooling.
  EXPECT_EQ(config_of("vit_base_patch16_siglip_gap_224", {{"global_pool", "max"}}).output_norm, before);
  EXPECT_EQ(config_of("vit_base_patch16_siglip_gap_224", {{"fc_norm", true}}).output_norm, behind);
  EXPECT_EQ(config_of("vit_base_patch16_224", {{"final_norm", false}}).output_norm, OutputNorm::absent);
  EXPECT_EQ(config_of("vit_base_patch16_224", {{"pool_include_prefix", true}}).prefix_pooling,
            PrefixPooling::included);
  EXPECT_EQ(config_of("vit_medium_patch16_gap_256", {{"init_values", nullptr}}).block.residual_scale,
            ResidualScale::one);
  EXPECT_EQ(config_of("vit_so150m_patch16_reg4_gap_256", {{"fc_norm", nullptr}}).output_norm, behind);
}

TEST(TimmNames, ThatAreNotKnownAreRefused) {
  for (const auto* name : {"vit_base_patch16_18x2_224", "vit_dwee_patch16_reg1_gap_256", "vit_base",
                           "vit_base_patch16_reg4_siglip_224", "deit_base_distilled_patch16_224",
                           "eva02_base_patch16_224_clip", "eva02_base_patch0_224", "eva02_huge_patch14_224",
                           "beit_base_patch16_224", "", "vit_base_patch99999_224"}) {
    testing::expect_error(ErrorCode::unsupported, "timm architecture", [&] { config_of(name); });
  }
  testing::expect_error(ErrorCode::unsupported, "unheard_of", [] {
    config_of("vit_base_patch16_224", {{"unheard_of", 1}});
  });
  testing::expect_error(ErrorCode::unsupported, "use_abs_pos_emb", [] {
    config_of("eva02_base_patch14_224", {{"use_abs_pos_emb", false}});
  });
  testing::expect_error(ErrorCode::corrupt, "without a class token", [] {
    config_of("vit_base_patch16_224", {{"class_token", false}});
  });
}

}  // namespace
}  // namespace beeld
