#include "vision/preprocess/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

using nlohmann::json;

Preprocess hf(const json& preprocessor, const json& config = json::object()) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "preprocessor_config.json") << preprocessor.dump();
  std::ofstream(folder / "config.json") << config.dump();
  return hf_preprocess(folder.path());
}

Preprocess open_clip(const json& config, Size size = {32, 32}) {
  return open_clip_preprocess(Settings(config, "test"), size);
}

Preprocess timm(const json& config) { return timm_preprocess(Settings(config, "test")); }

template <class Read>
std::string refusal(ErrorCode code, const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

void expect_size(const Size& size, std::int64_t height, std::int64_t width) {
  EXPECT_EQ(size.height, height);
  EXPECT_EQ(size.width, width);
}

TEST(HfPreprocess, MissingKeysTakeEachClassesDefaults) {
  const auto clip = hf({{"image_processor_type", "CLIPImageProcessor"}});
  EXPECT_EQ(clip.resize_rule, ResizeRule::shortest);
  expect_size(clip.resize, 224, 224);
  EXPECT_EQ(clip.filter, Filter::bicubic);
  EXPECT_EQ(clip.crop_rule, CropRule::floor);
  expect_size(clip.crop, 224, 224);
  EXPECT_EQ(clip.rescaling, Rescaling::multiply);
  EXPECT_EQ(clip.rescale_factor, 1.0 / 255);
  EXPECT_EQ(clip.normalization->mean[0], 0.48145466F);

  const auto vit = hf({{"feature_extractor_type", "ViTFeatureExtractor"}});
  EXPECT_EQ(vit.resize_rule, ResizeRule::exact);
  EXPECT_EQ(vit.filter, Filter::bilinear);
  EXPECT_EQ(vit.crop_rule, CropRule::none);
  EXPECT_EQ(vit.normalization->deviation[2], 0.5F);

  const auto siglip = hf({{"image_processor_type", "SiglipImageProcessorFast"}});
  EXPECT_EQ(siglip.resize_rule, ResizeRule::exact);
  EXPECT_EQ(siglip.filter, Filter::bicubic);

  const auto naflex = hf({{"image_processor_type", "Siglip2ImageProcessor"}});
  EXPECT_EQ(naflex.resize_rule, ResizeRule::patch_budget);
  EXPECT_EQ(naflex.filter, Filter::bilinear);
  EXPECT_EQ(naflex.patch_size, 16);
  EXPECT_EQ(naflex.max_patches, 256);

  const auto dinov2 = hf({{"image_processor_type", "BitImageProcessor"}});
  EXPECT_EQ(dinov2.crop_rule, CropRule::floor);
  EXPECT_EQ(dinov2.normalization->mean[2], 0.40821073F);
}

TEST(HfPreprocess, ModelTypeStandsInForAMissingClass) {
  EXPECT_EQ(hf(json::object(), {{"model_type", "vit"}}).resize_rule, ResizeRule::exact);
  EXPECT_EQ(hf(json::object(), {{"model_type", "dinov2"}}).resize_rule, ResizeRule::shortest);
  EXPECT_EQ(hf(json::object(), {{"model_type", "siglip2"}}).resize_rule, ResizeRule::patch_budget);
  refusal(ErrorCode::unsupported, [] { hf(json::object(), {{"model_type", "resnet"}}); });
}

TEST(HfPreprocess, OneNumberAsSizeDependsOnTheClass) {
  const auto clip = hf({{"image_processor_type", "CLIPImageProcessor"}, {"size", 32}, {"crop_size", 30}});
  EXPECT_EQ(clip.resize_rule, ResizeRule::shortest);
  expect_size(clip.resize, 32, 32);
  expect_size(clip.crop, 30, 30);
  const auto vit = hf({{"image_processor_type", "ViTImageProcessor"}, {"size", 32}});
  EXPECT_EQ(vit.resize_rule, ResizeRule::exact);
  expect_size(vit.resize, 32, 32);
  refusal(ErrorCode::unsupported, [] {
    hf({{"image_processor_type", "SiglipImageProcessor"}, {"size", 32}});
  });
  refusal(ErrorCode::unsupported, [] {
    hf({{"image_processor_type", "ViTImageProcessor"}, {"size", {{"shortest_edge", 32}}}});
  });
}

TEST(HfPreprocess, SizesMayBeObjects) {
  const auto exact = hf({{"image_processor_type", "CLIPImageProcessor"},
                         {"size", {{"height", 20}, {"width", 30}}},
                         {"crop_size", {{"height", 10}, {"width", 12}}}});
  EXPECT_EQ(exact.resize_rule, ResizeRule::exact);
  expect_size(exact.resize, 20, 30);
  expect_size(exact.crop, 10, 12);
  const auto shortest =
      hf({{"image_processor_type", "BitImageProcessor"}, {"size", {{"shortest_edge", 37}}}});
  EXPECT_EQ(shortest.resize_rule, ResizeRule::shortest);
  expect_size(shortest.resize, 37, 37);
  for (const auto& wrong : {json{{"longest_edge", 9}}, json{{"height", 9}}, json::array({1, 2, 3})}) {
    refusal(ErrorCode::unsupported, [&] {
      hf({{"image_processor_type", "CLIPImageProcessor"}, {"size", wrong}});
    });
  }
  for (const auto& wrong : {json(0), json(-5), json(1e9), json(32.5), json(100000)}) {
    refusal(ErrorCode::corrupt, [&] {
      hf({{"image_processor_type", "CLIPImageProcessor"}, {"size", wrong}});
    });
  }
}

TEST(HfPreprocess, StepsCanBeSwitchedOff) {
  const auto settings = hf({{"image_processor_type", "CLIPImageProcessor"},
                            {"do_resize", false},
                            {"do_center_crop", false},
                            {"do_rescale", false},
                            {"do_normalize", false},
                            {"resample", 0}});
  EXPECT_EQ(settings.resize_rule, ResizeRule::none);
  EXPECT_EQ(settings.crop_rule, CropRule::none);
  EXPECT_EQ(settings.rescaling, Rescaling::none);
  EXPECT_FALSE(settings.normalization);
  EXPECT_EQ(settings.filter, Filter::nearest);
}

TEST(HfPreprocess, UnknownSettingsAreNamed) {
  const auto message = refusal(ErrorCode::unsupported, [] {
    hf({{"image_processor_type", "CLIPImageProcessor"}, {"do_solarize", true}});
  });
  EXPECT_NE(message.find("do_solarize"), std::string::npos);
  refusal(ErrorCode::unsupported, [] {
    hf({{"image_processor_type", "CLIPImageProcessor"}, {"do_pad", true}});
  });
  refusal(ErrorCode::unsupported, [] { hf({{"image_processor_type", "BlipImageProcessor"}}); });
  refusal(ErrorCode::corrupt, [] {
    hf({{"image_processor_type", "CLIPImageProcessor"}, {"image_mean", {1, 2}}});
  });
  refusal(ErrorCode::corrupt, [] {
    hf({{"image_processor_type", "CLIPImageProcessor"}, {"image_std", {1, 0, 1}}});
  });
  refusal(ErrorCode::corrupt, [] { hf({{"image_processor_type", "CLIPImageProcessor"}, {"resample", 6}}); });
  refusal(ErrorCode::not_found, [] { hf_preprocess("absent-folder"); });
}

// As transformers 5 writes it, by either of its two backends.
TEST(HfPreprocess, NewFilesListAllThatASizeCouldHave) {
  const auto file = json::parse(R"({
    "backend": "pil", "crop_size": {"height": 30, "width": 30, "longest_edge": null, "shortest_edge": null},
    "data_format": "channels_first", "default_to_square": false, "device": null, "disable_grouping": null,
    "do_center_crop": true, "do_convert_rgb": true, "do_pad": null, "pad_size": null,
    "image_processor_type": "CLIPImageProcessorPil", "resample": "bicubic",
    "size": {"height": null, "width": null, "shortest_edge": 32, "longest_edge": null}, "use_fast": false})");
  const auto settings = hf(file);
  EXPECT_EQ(settings.resize_rule, ResizeRule::shortest);
  expect_size(settings.resize, 32, 32);
  expect_size(settings.crop, 30, 30);
  EXPECT_EQ(settings.filter, Filter::bicubic);

  auto changed = file;
  changed["size"] = {{"height", 20}, {"width", 30}, {"shortest_edge", nullptr}, {"max_height", nullptr}};
  EXPECT_EQ(hf(changed).resize_rule, ResizeRule::exact);
  expect_size(hf(changed).resize, 20, 30);
  changed["size"] = {{"shortest_edge", 32}, {"longest_edge", 64}};
  EXPECT_EQ(hf(changed).resize_rule, ResizeRule::shortest);
  changed["size"] = {{"longest_edge", 64}, {"shortest_edge", nullptr}};
  refusal(ErrorCode::unsupported, [&] { hf(changed); });
  for (const auto* type : {"CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPFeatureExtractor"}) {
    changed = file;
    changed["image_processor_type"] = type;
    expect_size(hf(changed).resize, 32, 32);
  }
}

TEST(HfPreprocess, AFilterHasANumberOrAName) {
  const auto filter = [](const json& resample) {
    return hf({{"image_processor_type", "ViTImageProcessor"}, {"resample", resample}}).filter;
  };
  EXPECT_EQ(filter(3), Filter::bicubic);
  EXPECT_EQ(filter(3.0), Filter::bicubic);
  EXPECT_EQ(filter("bicubic"), Filter::bicubic);
  EXPECT_EQ(filter("lanczos"), Filter::lanczos);
  EXPECT_EQ(filter(nullptr), Filter::bilinear);
  for (const auto& wrong : {json(3.5), json(-1), json(true), json::array({3})}) {
    refusal(ErrorCode::corrupt, [&] { filter(wrong); });
  }
  refusal(ErrorCode::unsupported, [&] { filter("cubic"); });
}

TEST(HfPreprocess, WhatWouldChangePixelsIsRefusedWhereItIsNotRead) {
  const json changing[] = {{{"do_pad", true}, {"pad_size", {{"height", 9}, {"width", 9}}}},
                           {{"image_processor_type", "SiglipImageProcessor"}, {"do_center_crop", true}},
                           {{"size", 32}, {"default_to_square", true}}};
  const char* named[] = {"do_pad", "do_center_crop", "default_to_square"};
  for (std::size_t i = 0; i < std::size(changing); ++i) {
    json file{{"image_processor_type", "CLIPImageProcessor"}};
    file.update(changing[i]);
    EXPECT_NE(refusal(ErrorCode::unsupported, [&] { hf(file); }).find(named[i]), std::string::npos);
  }
}

TEST(OpenClipPreprocess, WhereAFileComesFromIsNoMatter) {
  EXPECT_EQ(open_clip({{"hf_hub", "owner/name"}}).crop_rule, CropRule::half_even);
}

TEST(OpenClipPreprocess, DefaultsAreOpenAis) {
  const auto settings = open_clip(json::object());
  EXPECT_EQ(settings.order, ColourOrder::resize_first);
  EXPECT_EQ(settings.resize_rule, ResizeRule::shortest);
  EXPECT_EQ(settings.crop_rule, CropRule::half_even);
  EXPECT_EQ(settings.filter, Filter::bicubic);
  EXPECT_EQ(settings.rescaling, Rescaling::divide);
  EXPECT_EQ(settings.normalization->deviation[1], 0.26130258F);
}

TEST(OpenClipPreprocess, TheModelsSizeWins) {
  expect_size(open_clip({{"size", 64}}).resize, 32, 32);
  expect_size(open_clip({{"size", 64}}, {}).resize, 64, 64);
  expect_size(open_clip({{"size", {64, 48}}}, {}).crop, 64, 48);
  EXPECT_EQ(open_clip(json::object(), {32, 48}).resize_rule, ResizeRule::cover);
}

TEST(OpenClipPreprocess, ResizeModes) {
  EXPECT_EQ(open_clip({{"resize_mode", "squash"}}).resize_rule, ResizeRule::exact);
  EXPECT_EQ(open_clip({{"resize_mode", "squash"}}).crop_rule, CropRule::none);
  const auto longest =
      open_clip({{"resize_mode", "longest"}, {"fill_color", 7}, {"interpolation", "bilinear"}});
  EXPECT_EQ(longest.resize_rule, ResizeRule::contain);
  EXPECT_EQ(longest.border[2], 7);
  EXPECT_EQ(longest.filter, Filter::bilinear);
  EXPECT_EQ(open_clip({{"interpolation", "random"}}).filter, Filter::bicubic);
  EXPECT_EQ(open_clip({{"mean", 0.5}}).normalization->mean[1], 0.5F);
  refusal(ErrorCode::unsupported, [] { open_clip({{"resize_mode", "stretch"}}); });
  refusal(ErrorCode::unsupported, [] { open_clip({{"interpolation", "lanczos"}}); });
  refusal(ErrorCode::unsupported, [] { open_clip({{"mode", "L"}}); });
  refusal(ErrorCode::unsupported, [] { open_clip({{"blur", 3}}); });
}

TEST(TimmPreprocess, CropFractionEnlargesTheResize) {
  const auto settings =
      timm({{"input_size", {3, 224, 224}}, {"crop_pct", 0.9}, {"interpolation", "bicubic"}});
  EXPECT_EQ(settings.order, ColourOrder::convert_first);
  EXPECT_EQ(settings.resize_rule, ResizeRule::shortest);
  expect_size(settings.resize, 248, 248);
  expect_size(settings.crop, 224, 224);
  EXPECT_EQ(settings.crop_rule, CropRule::half_even);
  const auto usual = timm(json::object());
  expect_size(usual.resize, 256, 256);
  EXPECT_EQ(usual.filter, Filter::bicubic);
  EXPECT_EQ(usual.normalization->mean[0], 0.485F);
}

TEST(TimmPreprocess, CropModes) {
  EXPECT_EQ(timm({{"crop_mode", "squash"}}).resize_rule, ResizeRule::exact);
  const auto border = timm({{"crop_mode", "border"}, {"mean", {0.5, 0.1, 1.0}}});
  EXPECT_EQ(border.resize_rule, ResizeRule::contain);
  EXPECT_EQ(border.border, (std::array<std::uint8_t, 3>{128, 26, 255}));  // 127.5 and 25.5, half to even
  const auto oblong = timm({{"input_size", {3, 64, 128}}, {"interpolation", "bicubic"}});
  EXPECT_EQ(oblong.resize_rule, ResizeRule::cover);
  EXPECT_EQ(oblong.filter, Filter::bilinear);
  refusal(ErrorCode::unsupported, [] { timm({{"crop_mode", "spiral"}}); });
  refusal(ErrorCode::unsupported, [] { timm({{"interpolation", "random"}}); });
  refusal(ErrorCode::corrupt, [] { timm({{"input_size", {1, 28, 28}}}); });
  refusal(ErrorCode::corrupt, [] { timm({{"crop_pct", -1}}); });
  refusal(ErrorCode::unsupported, [] { timm({{"sharpen", true}}); });
}

}  // namespace
}  // namespace beeld
