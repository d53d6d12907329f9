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

/// Names (`owner/name[@revision][/subfolder]`) of the checkpoints in the store, sorted.
std::vector<std::string> stored_models();

/// What Model::load takes for a model reference: an existing folder or file, the name of a stored checkpoint,
/// or `hf:owner/name[@revision][/subfolder]` that is already in the store. Throws Error(not_found) with what
/// to do about it.
std::filesystem::path resolve_model(const std::string& reference);

/// The folder of the model to use where none is named: `$BEELD_MODEL`, a reference as above, else the small
/// model that comes with beeld. That one is looked for in share/beeld/model of the prefix that the running
/// program is installed in, of the prefix that beeld was configured for, and in data/model of the source
/// tree. Throws Error(not_found) with what to do about it.
std::filesystem::path default_model_folder();

/// What a checkpoint's folder or file is called in messages: the name under which it is in the store, "the
/// model that comes with beeld", or its path.
std::string model_reference(const std::filesystem::path& folder);

struct PullProgress {
  std::string file;
  std::uint64_t received = 0;  ///< bytes of this file so far, resumed bytes included
  std::uint64_t total = 0;     ///< bytes of this file; 0 while unknown
};

/// Fetches `hf:owner/name[@revision][/subfolder]` into the store and returns its folder. Interrupted
/// transfers are resumed, every file is checked against the size and checksum the server states, and the
/// folder appears only when complete. Configurations come first, and one that cannot be read ends the pull
/// before any weights.
///
/// A revision is a branch, a tag, a commit or a reference, `main` where none is given; it ends at the next
/// slash, except that `refs/pr/15` and its like have three parts, and that `%2F` stands for a slash within. A
/// subfolder is where in the repository the checkpoint lies. Each has a folder of its own in the store.
///
/// The endpoint is `$HF_ENDPOINT` (default https://huggingface.co), the token `$HF_TOKEN`, else the one that
/// the hub's own programs have saved (`$HF_TOKEN_PATH`, `$HF_HOME/token`, `~/.cache/huggingface/token`).
/// Of a repository that holds its weights several times, one complete set is fetched: safetensors rather than
/// pickles, OpenCLIP's rather than Hugging Face's. What `progress` throws ends the pull and is passed on.
///
/// Throws Error: not_found (no such model), io (offline, refused, or too many requests; the message says so
/// plainly), corrupt (checksum), invalid_argument (no such reference), or what Model::load would throw for
/// the configuration.
std::filesystem::path pull(const std::string& reference,
                           const std::function<void(const PullProgress&)>& progress = {});

}  // namespace beeld
