#pragma once

#include <filesystem>

#include "core/format/settings.h"
#include "vision/preprocess/preprocess.h"

namespace beeld {

/// The preprocessing of a Hugging Face checkpoint folder, from its hf_preprocess_file() and, where that names
/// no class, the `model_type` of its `config.json`.
///
/// Classes: CLIP, Chinese-CLIP, SigLIP, SigLIP 2 (NaFlex), ViT and Bit (DINOv2), as ImageProcessor,
/// ImageProcessorFast, ImageProcessorPil or FeatureExtractor, with each class's own defaults and its own
/// meaning of a single number as size. All get the arithmetic of the one on PIL. Throws Error: not_found,
/// corrupt, or unsupported (another class, or a setting that would change the result; the message names it).
Preprocess hf_preprocess(const std::filesystem::path& folder);

/// The file that describes it: `processor_config.json` where its `image_processor` does, as transformers 5
/// writes and prefers it, else `preprocessor_config.json`, whether that exists or not.
std::filesystem::path hf_preprocess_file(const std::filesystem::path& folder);

/// The preprocessing of an OpenCLIP checkpoint from the `preprocess_cfg` of `open_clip_config.json`.
/// `image_size` is that of the model's `vision_cfg`, which overrides `preprocess_cfg.size`; zero where the
/// model states none. Throws Error: corrupt or unsupported.
Preprocess open_clip_preprocess(Settings settings, const Size& image_size);

/// The preprocessing of a timm checkpoint from the `pretrained_cfg` of its `config.json`. Throws Error:
/// corrupt or unsupported.
Preprocess timm_preprocess(Settings settings);

}  // namespace beeld
