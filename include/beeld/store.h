#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace beeld {

/// The folder that holds pulled checkpoints: `$BEELD_STORE`, else `$XDG_DATA_HOME/beeld/models`, else
/// `~/.local/share/beeld/models`.
std::filesystem::path store_folder();

/// Names (`owner/name`) of the checkpoints in the store, sorted.
std::vector<std::string> stored_models();

/// What Model::load takes for a model reference: an existing folder or file, the name of a stored checkpoint,
/// or `hf:owner/name` that is already in the store. Throws Error(not_found) with what to do about it.
std::filesystem::path resolve_model(const std::string& reference);

/// The folder of the model to use where none is named: `$BEELD_MODEL`, a reference as above, else the small
/// model that comes with beeld. That one is looked for in share/beeld/model of the prefix that the running
/// program is installed in, of the prefix that beeld was configured for, and in data/model of the source
/// tree. Throws Error(not_found) with what to do about it.
std::filesystem::path default_model_folder();

struct PullProgress {
  std::string file;
  std::uint64_t received = 0;  ///< bytes of this file so far, resumed bytes included
  std::uint64_t total = 0;     ///< bytes of this file; 0 while unknown
};

/// Fetches `hf:owner/name` into the store and returns its folder. Interrupted transfers are resumed, every
/// file is checked against the size and checksum the server states, and the folder appears only when
/// complete. The endpoint is `$HF_ENDPOINT` (default https://huggingface.co), the token `$HF_TOKEN`.
/// Of a repository that holds its weights several times, one complete set of safetensors is fetched:
/// OpenCLIP's where there is one, else Hugging Face's. What `progress` throws ends the pull and is passed on.
///
/// Throws Error: not_found (no such model), io (offline; the message says so plainly), corrupt (checksum),
/// unsupported (pickled weights only), or invalid_argument (no `owner/name`).
std::filesystem::path pull(const std::string& reference,
                           const std::function<void(const PullProgress&)>& progress = {});

}  // namespace beeld
