#pragma once

#include <filesystem>
#include <string>

namespace beeld {

/// The files of a run: its folder is a checkpoint in Hugging Face's layout, and holds in a folder of its own
/// what a resumed run needs.
struct RunFiles {
  std::filesystem::path out;

  std::filesystem::path weights() const { return out / "model.safetensors"; }
  std::filesystem::path config() const { return out / "config.json"; }
  std::filesystem::path preprocessor() const { return out / "preprocessor_config.json"; }

  std::filesystem::path state() const { return out / "run"; }

  /// The run file, and what the command line added to it.
  std::filesystem::path settings() const { return state() / "run.json"; }

  /// One JSON object a line: what curves are drawn from.
  std::filesystem::path log() const { return state() / "log.jsonl"; }

  std::filesystem::path checkpoint() const { return state() / "checkpoint.safetensors"; }

  /// The teacher's embeddings of a source's images; `digest` names the teacher and the images.
  std::filesystem::path teacher_cache(const std::string& source, const std::string& digest) const {
    return state() / ("teacher-" + source + "-" + digest + ".safetensors");
  }
};

/// What a checkpoint calls its parts. The tensors' names are followed by the number of a parameter.
namespace checkpoint_names {
inline constexpr const char* step = "step";          ///< metadata: steps done
inline constexpr const char* position = "position";  ///< metadata: the place in the data
inline constexpr const char* values = "values.";
inline constexpr const char* mean = "mean.";          ///< of the gradients
inline constexpr const char* variance = "variance.";  ///< of the gradients
inline constexpr const char* ema = "average.";        ///< of the values
inline constexpr const char* frozen = "frozen.";      ///< values that do not learn
}  // namespace checkpoint_names

}  // namespace beeld
