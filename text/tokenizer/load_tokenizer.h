#pragma once

#include <beeld/tokenizer.h>

namespace beeld {

/// The tokenizer of a checkpoint in Hugging Face's layout, also where a whole repository lies in the folder
/// and load_tokenizer() would take OpenCLIP's. Throws as that.
std::shared_ptr<Tokenizer> load_hugging_face_tokenizer(const std::filesystem::path& folder);

}  // namespace beeld
