#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/format/checkpoint.h"

namespace beeld {

/// Whether a checkpoint is one of OpenAI's own releases of CLIP: an archive that needs no configuration, and
/// says so by its tensors `input_resolution`, `context_length` and `vocab_size`.
bool is_openai(const Checkpoint& checkpoint);

/// What `open_clip_config.json` would say of such a checkpoint, from the shapes of its tensors: heads are 64
/// wide, the activation is QuickGELU. Throws Error(corrupt).
nlohmann::json openai_configuration(const Checkpoint& checkpoint);

}  // namespace beeld
