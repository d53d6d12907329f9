#include <algorithm>
#include <string>
#include <string_view>

#include "vision/preprocess/config.h"
#include "vision/preprocess/values.h"

namespace beeld {

namespace {

constexpr Triple clip_mean = {0.48145466, 0.4578275, 0.40821073};
constexpr Triple clip_deviation = {0.26862954, 0.26130258, 0.27577711};
constexpr Triple half = {0.5, 0.5, 0.5};

/// What a single number means as `size`.
enum class NumberAsSize { shortest_edge, square };

/// The forms of `size` that a class can resize to.
enum class SizeForms { any, height_and_width, none };

/// One image processor class of transformers: its defaults and what it understands.
struct Processor {
  std::string_view name;  ///< without ImageProcessor, ImageProcessorFast or FeatureExtractor
  Filter filter;
  NumberAsSize number;
  SizeForms forms;
  bool crops;  ///< has do_center_crop, on by default
  Triple mean, deviation;
};

constexpr Processor processors[] = {
    {"CLIP", Filter::bicubic, NumberAsSize::shortest_edge, SizeForms::any, true, clip_mean, clip_deviation},
    {"ChineseCLIP", Filter::bicubic, NumberAsSize::shortest_edge, SizeForms::any, true, clip_mean,
     clip_deviation},
    {"Siglip", Filter::bicubic, NumberAsSize::shortest_edge, SizeForms::height_and_width, false, half, half},
    {"Siglip2", Filter::bilinear, NumberAsSize::square, SizeForms::none, false, half, half},
    {"ViT", Filter::bilinear, NumberAsSize::square, SizeForms::height_and_width, false, half, half},
    {"Bit", Filter::bicubic, NumberAsSize::shortest_edge, SizeForms::any, true, clip_mean, clip_deviation},
};

[[noreturn]] void unsupported(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::unsupported, "[config] " + origin + ": " + what);
}

/// transformers' table of which model uses which class, for files that do not say.
std::string_view processor_of_model(const std::string& model_type) {
  constexpr std::pair<const char*, const char*> table[] = {{"clip", "CLIP"},
                                                           {"clip_vision_model", "CLIP"},
                                                           {"metaclip_2", "CLIP"},
                                                           {"chinese_clip", "ChineseCLIP"},
                                                           {"siglip", "Siglip"},
                                                           {"siglip_vision_model", "Siglip"},
                                                           {"siglip2", "Siglip2"},
                                                           {"siglip2_vision_model", "Siglip2"},
                                                           {"vit", "ViT"},
                                                           {"dinov2", "Bit"},
                                                           {"dinov2_with_registers", "Bit"}};
  for (const auto& [model, processor] : table) {
    if (model_type == model) return processor;
  }
  return {};
}

const Processor& find_processor(std::string name, const std::string& origin) {
  const std::string full = name;
  for (const std::string_view ending : {"ImageProcessorFast", "ImageProcessor", "FeatureExtractor"}) {
    if (name.ends_with(ending)) {
      name.resize(name.size() - ending.size());
      break;
    }
  }
  for (const auto& processor : processors) {
    if (processor.name == name) return processor;
  }
  unsupported(origin, "image processor \"" + full + "\" is not one that beeld knows");
}

const Processor& processor_of(Settings& settings, const std::filesystem::path& folder) {
  auto name = settings.string("image_processor_type", "");
  if (name.empty()) name = settings.string("feature_extractor_type", "");
  if (name.empty()) {
    Settings config = Settings::from_file((folder / "config.json").string());
    const auto model_type = config.string("model_type", "");
    name = processor_of_model(model_type);
    if (name.empty())
      unsupported(settings.origin(),
                  "names no image processor, and model type \"" + model_type + "\" has none");
  }
  return find_processor(name, settings.origin());
}

Size read_height_and_width(const nlohmann::json& value, const Settings& settings, const std::string& key) {
  if (value.is_array() && value.size() == 2)
    return {read_edge(value[0], settings, key), read_edge(value[1], settings, key)};
  if (value.is_object() && value.size() == 2 && value.contains("height") && value.contains("width"))
    return {read_edge(value["height"], settings, key), read_edge(value["width"], settings, key)};
  unsupported(settings.origin(),
              "\"" + key + "\" " + value.dump().substr(0, 80) + "; expected height and width");
}

/// The three forms of `size`: a number, {"shortest_edge"} and {"height", "width"}. {"longest_edge"} beside
/// the shortest edge is not looked at by these classes.
void read_size(Settings& settings, const Processor& processor, Preprocess& preprocess) {
  constexpr std::int64_t default_edge = 224;
  if (processor.forms == SizeForms::none) return;
  const bool only_exact = processor.forms == SizeForms::height_and_width;
  const auto& value = settings.raw("size");
  preprocess.resize_rule = only_exact ? ResizeRule::exact : ResizeRule::shortest;
  preprocess.resize = {default_edge, default_edge};
  if (value.is_null()) return;

  const bool edge_key = value.is_object() && value.contains("shortest_edge");
  if (value.is_number() || edge_key) {
    const auto edge = read_edge(edge_key ? value["shortest_edge"] : value, settings, "size");
    const bool as_shortest = edge_key || processor.number == NumberAsSize::shortest_edge;
    if (as_shortest && only_exact)
      unsupported(settings.origin(), "\"size\" " + value.dump() + "; this class needs height and width");
    if (edge_key && value.size() != (value.contains("longest_edge") ? 2u : 1u))
      unsupported(settings.origin(), "\"size\" " + value.dump().substr(0, 80));
    preprocess.resize_rule = as_shortest ? ResizeRule::shortest : ResizeRule::exact;
    preprocess.resize = {edge, edge};
    return;
  }
  preprocess.resize_rule = ResizeRule::exact;
  preprocess.resize = read_height_and_width(value, settings, "size");
}

void read_crop(Settings& settings, const Processor& processor, Preprocess& preprocess) {
  if (!processor.crops) {
    // These classes carry the keys along without looking at them.
    settings.ignore({"do_center_crop", "crop_size"});
    return;
  }
  const bool crops = settings.boolean("do_center_crop", true);
  const auto& value = settings.raw("crop_size");
  preprocess.crop = {224, 224};
  if (value.is_number()) {
    const auto edge = read_edge(value, settings, "crop_size");
    preprocess.crop = {edge, edge};
  } else if (!value.is_null()) {
    preprocess.crop = read_height_and_width(value, settings, "crop_size");
  }
  if (crops) preprocess.crop_rule = CropRule::floor;
}

/// Pillow's numbers of its filters.
Filter read_filter(Settings& settings, Filter fallback) {
  if (!settings.has("resample")) return fallback;
  constexpr Filter by_number[] = {Filter::nearest, Filter::lanczos, Filter::bilinear,
                                  Filter::bicubic, Filter::box,     Filter::hamming};
  return by_number[settings.bounded("resample", 0, 0, 5)];
}

void read_values(Settings& settings, const Processor& processor, Preprocess& preprocess) {
  preprocess.rescaling = settings.boolean("do_rescale", true) ? Rescaling::multiply : Rescaling::none;
  preprocess.rescale_factor = settings.number("rescale_factor", 1.0 / 255);
  const auto mean = read_triple(settings, "image_mean", processor.mean);
  const auto deviation = read_triple(settings, "image_std", processor.deviation);
  if (settings.boolean("do_normalize", true))
    preprocess.normalization = make_normalization(mean, deviation, settings);
}

}  // namespace

Preprocess hf_preprocess(const std::filesystem::path& folder) {
  Settings settings = Settings::from_file((folder / "preprocessor_config.json").string());
  const Processor& processor = processor_of(settings, folder);
  Preprocess preprocess;
  preprocess.filter = read_filter(settings, processor.filter);
  read_size(settings, processor, preprocess);
  read_crop(settings, processor, preprocess);
  read_values(settings, processor, preprocess);
  const bool resizes = settings.boolean("do_resize", true);
  if (processor.forms == SizeForms::none) {
    settings.require("do_resize", true);
    preprocess.resize_rule = ResizeRule::patch_budget;
    preprocess.patch_size = settings.bounded("patch_size", 16, 1, 1024);
    preprocess.max_patches = settings.bounded("max_num_patches", 256, 1, 1 << 16);
    settings.ignore({"size"});
  } else if (!resizes) {
    preprocess.resize_rule = ResizeRule::none;
  }
  settings.require("do_pad", false);
  settings.require("use_square_size", false);
  // Pictures are RGB before these classes see them; the rest describes inputs and outputs of Python.
  settings.ignore({"do_convert_rgb", "image_processor_type", "feature_extractor_type", "processor_class",
                   "_valid_processor_keys", "auto_map", "data_format", "input_data_format", "return_tensors",
                   "device", "default_to_square", "disable_grouping"});
  settings.done();
  return preprocess;
}

}  // namespace beeld
