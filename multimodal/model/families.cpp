#include "multimodal/model/families.h"

#include <beeld/error.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "multimodal/model/readers.h"

namespace beeld {

namespace {

constexpr auto hugging_face = FolderLayout::hugging_face;
constexpr auto none = Training::none;
constexpr auto from_scratch = Training::from_scratch;

constexpr Family table[] = {
    {"CLIP", hugging_face, "clip", read_clip, read_picture_and_text_inputs, from_scratch},
    {"MetaCLIP 2", hugging_face, "metaclip_2", read_metaclip2, read_picture_and_text_inputs, none},
    {"OpenCLIP", FolderLayout::open_clip, nullptr, read_open_clip, read_open_clip_inputs, none},
    {"OpenAI CLIP", FolderLayout::openai, nullptr, read_openai, read_openai_inputs, none},
    {"SigLIP", hugging_face, "siglip", read_siglip, read_padded_inputs, from_scratch},
    {"SigLIP 2 NaFlex", hugging_face, "siglip2", read_siglip_naflex, read_padded_inputs, none},
    {"Chinese-CLIP", hugging_face, "chinese_clip", read_chinese_clip, read_picture_and_text_inputs, none},
    {"CLIP vision", hugging_face, "clip_vision_model", read_clip_vision_alone, read_picture_inputs, none},
    {"CLIP text", hugging_face, "clip_text_model", read_clip_text_alone, read_text_inputs, none},
    {"SigLIP vision", hugging_face, "siglip_vision_model", read_siglip_vision_alone, read_picture_inputs,
     none},
    {"SigLIP text", hugging_face, "siglip_text_model", read_siglip_text_alone, read_padded_text_inputs, none},
    {"Multilingual-CLIP", hugging_face, "M-CLIP", read_m_clip, read_text_inputs, none},
    {"sentence-transformers", FolderLayout::sentence_transformers, nullptr, read_sentence_transformer,
     read_sentence_inputs, none},
    {"ViT", hugging_face, "vit", read_vit_classifier, read_picture_inputs, none},
    {"DINOv2", hugging_face, "dinov2", read_dinov2_classifier, read_picture_inputs, none},
    {"DINOv2 with registers", hugging_face, "dinov2_with_registers", read_dinov2_classifier,
     read_picture_inputs, none},
    {"timm ViT", FolderLayout::timm, nullptr, read_timm_classifier, read_timm_inputs, none},
};

/// "a, b and c"
std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    list += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return list;
}

}  // namespace

std::span<const Family> families() { return table; }

bool is_known_type(const std::string& model_type) {
  return std::ranges::any_of(table, [&](const Family& family) {
    return family.model_type != nullptr && family.model_type == model_type;
  });
}

const Family& family_of(FolderLayout layout, Settings config) {
  const auto type = layout == FolderLayout::hugging_face ? config.string("model_type", "") : "";
  const auto is_it = [&](const Family& family) {
    return family.layout == layout && (family.model_type == nullptr || family.model_type == type);
  };
  const auto* const found = std::find_if(std::begin(table), std::end(table), is_it);
  if (found != std::end(table)) return *found;
  throw Error(ErrorCode::unsupported, "[load] " + config.origin() + ": model_type is \"" + type +
                                          "\"; known are " + known_families());
}

std::string recognition_of(const Family& family) {
  switch (family.layout) {
    case FolderLayout::hugging_face:
      return family.model_type;
    case FolderLayout::open_clip:
      return "open_clip_config.json";
    case FolderLayout::openai:
      return "input_resolution";
    case FolderLayout::sentence_transformers:
      return "modules.json";
    case FolderLayout::timm:
      break;
  }
  return "architecture";
}

std::string known_families() {
  std::vector<std::string> names;
  for (const auto& family : table) {
    const auto rule = recognition_of(family);
    names.push_back(family.layout == FolderLayout::hugging_face ? rule : rule + " (" + family.name + ")");
  }
  return listed(names);
}

std::string trainable_families() {
  std::vector<std::string> names;
  for (const auto& family : table) {
    if (family.training != Training::none) names.emplace_back(family.name);
  }
  return listed(names);
}

}  // namespace beeld
