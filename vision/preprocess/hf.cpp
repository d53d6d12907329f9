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

constexpr const char* nested = "image_processor";  // the key in processor_config.json

/// What a single number means as `size`.
enum class NumberAsSize { shortest_edge, square };

/// The forms of `size` that a class can resize to.
enum class SizeForms { any, height_and_width, none };

/// One image processor class of transformers: its defaults and what it understands.
struct Processor {
  std::string_view name;  ///< without ImageProcessor and what follows it, or FeatureExtractor
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
  for (const std::string_view ending :
       {"ImageProcessorFast", "ImageProcessorPil", "ImageProcessor", "FeatureExtractor"}) {
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

/// A size without its members that are null: newer files list all that a size could have.
nlohmann::json read_size_value(Settings& settings, const std::string& key) {
  auto value = settings.raw(key);
  for (auto it = value.begin(); value.is_object() && it != value.end();) {
    it = it->is_null() ? value.erase(it) : std::next(it);
  }
  return value;
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
  const auto value = read_size_value(settings, "size");
  preprocess.resize_rule = only_exact ? ResizeRule::exact : ResizeRule::shortest;
  preprocess.resize = {default_edge, default_edge};
  if (value.is_null()) return;

  // What a number means is the class's affair, and a file may only repeat it.
  if (value.is_number()) settings.require("default_to_square", processor.number == NumberAsSize::square);
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
    // The newer ones of these classes crop if they are told to, the older ones never.
    settings.require("do_center_crop", false);
    settings.ignore({"crop_size"});
    return;
  }
  const bool crops = settings.boolean("do_center_crop", true);
  const auto value = read_size_value(settings, "crop_size");
  preprocess.crop = {224, 224};
  if (value.is_number()) {
    const auto edge = read_edge(value, settings, "crop_size");
    preprocess.crop = {edge, edge};
  } else if (!value.is_null()) {
    preprocess.crop = read_height_and_width(value, settings, "crop_size");
  }
  if (crops) preprocess.crop_rule = CropRule::floor;
}

/// Pillow's number of a filter, whole or as 3.0, or its name.
Filter read_filter(Settings& settings, Filter fallback) {
  constexpr Filter by_number[] = {Filter::nearest, Filter::lanczos, Filter::bilinear,
                                  Filter::bicubic, Filter::box,     Filter::hamming};
  const auto& value = settings.raw("resample");
  if (value.is_null()) return fallback;
  if (value.is_string()) return filter_of_name(value.get<std::string>(), settings);
  for (std::size_t i = 0; i < std::size(by_number); ++i) {
    if (value == i) return by_number[i];
  }
  wrong_value(settings, "resample", "a filter's name, or its number from 0 to 5");
}

/// The settings of the image processor: a file's own, or what it nests.
Settings open_settings(const std::filesystem::path& file) {
  auto settings = Settings::from_file(file.string());
  return settings.has(nested) ? settings.object(nested) : settings;
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

std::filesystem::path hf_preprocess_file(const std::filesystem::path& folder) {
  const auto file = folder / "processor_config.json";
  if (std::filesystem::exists(file) && Settings::from_file(file.string()).has(nested)) return file;
  return folder / "preprocessor_config.json";
}

Preprocess hf_preprocess(const std::filesystem::path& folder) {
  auto settings = open_settings(hf_preprocess_file(folder));
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
  // Pictures are RGB before these classes see them. pad_size is for do_pad, default_to_square for a size that
  // is a number. The rest says which program reads the file, and describes inputs and outputs of Python.
  settings.ignore({"do_convert_rgb", "pad_size", "default_to_square", "image_processor_type",
                   "feature_extractor_type", "processor_class", "_valid_processor_keys", "auto_map",
                   "use_fast", "backend", "data_format", "input_data_format", "return_tensors", "device",
                   "disable_grouping"});
  settings.done();
  return preprocess;
}

}  // namespace beeld
