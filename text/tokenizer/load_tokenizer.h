#pragma once

#include <beeld/tokenizer.h>

#include "text/cleaning/cleaning.h"

namespace beeld {

/// The tokenizer of a checkpoint in Hugging Face's layout, also where a whole repository lies in the folder
/// and load_tokenizer() would take OpenCLIP's. Throws as that.
std::shared_ptr<Tokenizer> load_hugging_face_tokenizer(const std::filesystem::path& folder);

/// The same behind a cleaning of every text.
std::shared_ptr<Tokenizer> load_cleaning_tokenizer(const std::filesystem::path& folder, Cleaning cleaning);

/// CLIP's own tokenizer as OpenAI's program has it, from the `merges.txt` (and `vocab.json`) or the
/// `tokenizer.json` in a folder, whatever else is there. Throws as load_tokenizer().
std::shared_ptr<Tokenizer> load_clip_tokenizer(const std::filesystem::path& folder);

}  // namespace beeld
