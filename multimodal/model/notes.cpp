#include "multimodal/model/notes.h"

#include <algorithm>
#include <cctype>

#include "text/tokenizer/tokenizer_config.h"
#include "vision/preprocess/config.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

/// The last two parts of a checkpoint's folder, in lower case: those of "owner/name" in the store.
std::string lower_name(const fs::path& folder) {
  const auto path = fs::weakly_canonical(folder);
  auto name = path.parent_path().filename().string() + "/" + path.filename().string();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

/// Models that were trained with QuickGELU, all of them, whatever their published configurations say.
bool trained_with_quick_gelu(const std::string& name) {
  constexpr const char* trained[] = {"dfn2b", "dfn5b", "metaclip-b", "metaclip-l", "metaclip-h"};
  return std::ranges::any_of(trained, [&](const char* part) { return name.find(part) != std::string::npos; });
}

void warn_of_activation(ModelParts& parts, const Family& family, const fs::path& folder) {
  if (family.layout != FolderLayout::open_clip || !parts.text) return;
  if (parts.text->config.block.activation != Activation::gelu || !trained_with_quick_gelu(lower_name(folder)))
    return;
  parts.info.warnings.emplace_back(
      "it was trained with QuickGELU, and its configuration does not say quick_gelu: its numbers are those "
      "that OpenCLIP gets from the same files, and not those of the training; \"quick_gelu\": true in "
      "model_cfg of open_clip_config.json mends that");
}

/// Whether the files ask for one of transformers' processors that resize with torchvision.
bool asks_for_torchvision(const fs::path& folder) {
  const auto file = hf_preprocess_file(folder);
  if (file.filename() == "processor_config.json") return true;  // transformers 5, whose processors do
  auto settings = Settings::from_file(file.string());
  return settings.string("image_processor_type", "").ends_with("Fast") || settings.raw("use_fast") == true ||
         settings.raw("backend") == "torchvision";
}

void note_resizing(ModelParts& parts, const Family& family, const fs::path& folder) {
  if (family.layout != FolderLayout::hugging_face || !parts.info.has_images) return;
  if (!asks_for_torchvision(folder)) return;
  parts.info.notes.emplace_back(
      "its files ask for a processor of transformers that resizes with torchvision; beeld resizes as Pillow "
      "does, and as the slower processors do, so that pixels differ a little from that one's");
}

void note_pooling(ModelParts& parts) {
  const auto& config = parts.vision.config;
  if (!parts.info.has_images || config.pool != VisionPool::probe || config.prefix() == 0 ||
      config.prefix_pooling == PrefixPooling::included)
    return;
  parts.info.notes.emplace_back(
      "its attention pooling leaves class and register tokens out, as timm's has done since it knows "
      "pool_include_prefix; earlier versions pooled them with the patches");
}

/// Where it is Gemma's tokenizer that SigLIP 2's files name.
void note_lower_case(ModelParts& parts, const Family& family, const fs::path& folder) {
  if (!parts.tokenizer || family.layout != FolderLayout::hugging_face) return;
  const auto config = read_tokenizer_config(folder);
  if (config.tokenizer_class != "GemmaTokenizer" || config.lowercase) return;
  if (parts.tokenizer->encode("A Dog") != parts.tokenizer->encode("a dog")) return;
  parts.info.notes.emplace_back(
      "texts are put in lower case, as in its training and by transformers 5; transformers 4 leaves them as "
      "they are");
}

}  // namespace

void add_notes(ModelParts& parts, const Family& family, const fs::path& folder) {
  warn_of_activation(parts, family, folder);
  note_resizing(parts, family, folder);
  note_pooling(parts);
  note_lower_case(parts, family, folder);
}

}  // namespace beeld
