#pragma once

#include <beeld/model.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "multimodal/probe/probe.h"

namespace beeld {

/// A picture that could not be used, and why.
struct SkippedImage {
  std::string name;  ///< A file's path, or the shard and the sample's key.
  std::string reason;
};

struct LabelledImages {
  LabelledEmbeddings examples;
  std::vector<SkippedImage> skipped;
};

/// The names of the class folders below `folders`, sorted, each once; hidden ones are none.
/// Throws Error: not_found or io.
std::vector<std::string> class_folders(const std::vector<std::filesystem::path>& folders);

/// Unit embeddings of labelled pictures. A source is a folder with a folder of pictures for each class (those
/// directly in it have none, and do not count), or a WebDataset shard with a `.cls` for each picture, an
/// index into `classes`. Pictures of folders are turned by their EXIF orientation, those of shards are not.
///
/// `progress` is called with the number of pictures done; it may be empty, may throw. Throws Error:
/// invalid_argument (a class folder that is not among `classes`), not_found, io, or as ShardReader.
LabelledImages embed_labelled(const Model& model, const std::vector<std::filesystem::path>& sources,
                              const std::vector<std::string>& classes,
                              const std::function<void(std::size_t)>& progress = {});

}  // namespace beeld
