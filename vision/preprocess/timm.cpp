#include <algorithm>
#include <cmath>

#include "vision/preprocess/config.h"
#include "vision/preprocess/values.h"

namespace beeld {

namespace {

Size read_input_size(Settings& settings) {
  const auto& value = settings.raw("input_size");
  if (value.is_null()) return {224, 224};
  if (!value.is_array() || value.size() != 3 || value[0] != 3)
    wrong_value(settings, "input_size", "[3, height, width]");
  return {read_edge(value[1], settings, "input_size"), read_edge(value[2], settings, "input_size")};
}

double read_crop_fraction(Settings& settings) {
  constexpr double usual = 0.875;
  const double fraction = settings.number("crop_pct", usual);
  if (fraction == 0) return usual;
  if (!(fraction >= 0.01 && fraction <= 100))
    wrong_value(settings, "crop_pct", "a fraction between 0.01 and 100");
  return fraction;
}

/// Keys about where the weights came from, and about other sizes than the usual one.
void ignore_harmless(Settings& settings) {
  settings.ignore({"url",
                   "file",
                   "state_dict",
                   "hf_hub_id",
                   "hf_hub_filename",
                   "source",
                   "architecture",
                   "tag",
                   "custom_load",
                   "test_input_size",
                   "min_input_size",
                   "fixed_input_size",
                   "test_crop_pct",
                   "test_pool_size",
                   "num_classes",
                   "label_offset",
                   "label_names",
                   "label_descriptions",
                   "pool_size",
                   "first_conv",
                   "classifier",
                   "license",
                   "description",
                   "origin_url",
                   "paper_name",
                   "paper_ids",
                   "notes"});
}

}  // namespace

Preprocess timm_preprocess(Settings settings) {
  const Size size = read_input_size(settings);
  const double fraction = read_crop_fraction(settings);
  const auto scaled = [fraction](std::int64_t edge) {
    return static_cast<std::int64_t>(std::floor(double(edge) / fraction));
  };
  Preprocess preprocess;
  preprocess.rescaling = Rescaling::divide;
  preprocess.crop_rule = CropRule::half_even;
  preprocess.crop = size;
  preprocess.resize = {std::max<std::int64_t>(1, scaled(size.height)),
                       std::max<std::int64_t>(1, scaled(size.width))};
  preprocess.filter = filter_of_name(settings.string("interpolation", "bicubic"), settings);

  constexpr Triple imagenet_mean = {0.485, 0.456, 0.406};
  constexpr Triple imagenet_deviation = {0.229, 0.224, 0.225};
  const auto mean = read_triple(settings, "mean", imagenet_mean);
  const auto deviation = read_triple(settings, "std", imagenet_deviation);
  preprocess.normalization = make_normalization(mean, deviation, settings);

  const auto mode = settings.string("crop_mode", "center");
  if (mode == "squash") {
    preprocess.resize_rule = ResizeRule::exact;
  } else if (mode == "border") {
    preprocess.resize_rule = ResizeRule::contain;
    for (std::size_t i = 0; i < 3; ++i)
      preprocess.border[i] = static_cast<std::uint8_t>(std::nearbyint(std::clamp(255 * mean[i], 0.0, 255.0)));
  } else if (mode == "center" && preprocess.resize.height == preprocess.resize.width) {
    preprocess.resize_rule = ResizeRule::shortest;
  } else if (mode == "center") {
    preprocess.resize_rule = ResizeRule::cover;
    // timm does not hand its interpolation on here, so its ResizeKeepRatio takes its own default.
    preprocess.filter = Filter::bilinear;
  } else {
    throw Error(ErrorCode::unsupported, "[config] " + settings.origin() + ": crop_mode \"" + mode +
                                            "\"; expected center, squash or border");
  }
  ignore_harmless(settings);
  settings.done();
  return preprocess;
}

}  // namespace beeld
