#include "vision/preprocess/config.h"
#include "vision/preprocess/values.h"

namespace beeld {

namespace {

Size read_size(Settings& settings, const Size& image_size) {
  const auto& value = settings.raw("size");
  if (image_size.height > 0) return image_size;
  if (value.is_null()) return {224, 224};
  if (value.is_array() && value.size() == 2)
    return {read_edge(value[0], settings, "size"), read_edge(value[1], settings, "size")};
  const auto edge = read_edge(value.is_array() && value.size() == 1 ? value[0] : value, settings, "size");
  return {edge, edge};
}

/// A single zero counts as absent, because Python's `or` says so.
Triple read_triple_or_default(Settings& settings, const std::string& key, const Triple& fallback) {
  const auto& value = settings.raw(key);
  if (value.is_number() && value.get<double>() == 0) return fallback;
  return read_triple(settings, key, fallback);
}

}  // namespace

Preprocess open_clip_preprocess(Settings settings, const Size& image_size) {
  Preprocess preprocess;
  preprocess.order = ColourOrder::resize_first;
  preprocess.rescaling = Rescaling::divide;
  const Size size = read_size(settings, image_size);
  preprocess.resize = size;

  const auto interpolation = settings.string("interpolation", "bicubic");
  // "random" is a choice of training; evaluation takes bicubic.
  preprocess.filter = interpolation == "random" ? Filter::bicubic : filter_of_name(interpolation, settings);
  if (preprocess.filter != Filter::bicubic && preprocess.filter != Filter::bilinear)
    throw Error(ErrorCode::unsupported, "[config] " + settings.origin() + ": interpolation \"" +
                                            interpolation + "\"; OpenCLIP has bicubic, bilinear and random");

  const auto mode = settings.string("resize_mode", "shortest");
  if (mode == "squash") {
    preprocess.resize_rule = ResizeRule::exact;
  } else if (mode == "shortest" || mode == "longest") {
    const bool square = size.height == size.width;
    preprocess.resize_rule = mode == "longest" ? ResizeRule::contain
                             : square          ? ResizeRule::shortest
                                               : ResizeRule::cover;
    preprocess.crop_rule = CropRule::half_even;
    preprocess.crop = size;
  } else {
    throw Error(ErrorCode::unsupported, "[config] " + settings.origin() + ": resize_mode \"" + mode +
                                            "\"; expected shortest, longest or squash");
  }

  const int fill = settings.bounded("fill_color", 0, 0, 255);
  if (mode == "longest") preprocess.border.fill(static_cast<std::uint8_t>(fill));
  settings.require("mode", "RGB");
  settings.ignore({"hf_hub"});  // where the file comes from
  constexpr Triple clip_mean = {0.48145466, 0.4578275, 0.40821073};
  constexpr Triple clip_deviation = {0.26862954, 0.26130258, 0.27577711};
  preprocess.normalization =
      make_normalization(read_triple_or_default(settings, "mean", clip_mean),
                         read_triple_or_default(settings, "std", clip_deviation), settings);
  settings.done();
  return preprocess;
}

}  // namespace beeld
