#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beeld {

/// The files of a shard that share a key: what belongs to one picture.
struct Sample {
  std::filesystem::path shard;
  std::string key;                  ///< With its folder inside the shard.
  std::vector<std::uint8_t> image;  ///< The encoded file (jpg, jpeg, png or webp); empty where there is none.
  std::vector<std::string> captions;  ///< Lines of KEY.txt, trimmed, without empty ones.
  std::optional<std::int64_t> label;  ///< The class index in KEY.cls.

  /// Why the sample cannot be used, and has neither image nor captions nor label: the same kind of file
  /// twice, a class that is not a number, a text that is not UTF-8's, a file above the limit. Empty where it
  /// can.
  std::string problem;
};

struct ShardLimits {
  std::size_t entry_bytes = 64u << 20;  ///< Of one file inside a shard.
};

/// Reads WebDataset shards (.tar or .tar.gz) as a stream of samples, in the order of the files.
///
/// As in WebDataset, neighbouring entries form a sample where their names agree up to the first dot of the
/// base name. Folders, links and other kinds of files are ignored.
class ShardReader {
 public:
  explicit ShardReader(std::vector<std::filesystem::path> shards, ShardLimits limits = {});
  ~ShardReader();
  ShardReader(const ShardReader&) = delete;
  ShardReader& operator=(const ShardReader&) = delete;

  /// The next sample, or nothing after the last one of the last shard.
  ///
  /// Throws Error, naming the shard: not_found, or corrupt (truncated or damaged). What is wrong with one
  /// sample alone is its `problem`.
  std::optional<Sample> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beeld
