#pragma once

#include <beeld/model.h>

#include <filesystem>
#include <string>
#include <vector>

#include "multimodal/probe/probe.h"

namespace beeld {

/// A classifier of pictures on top of a model's embeddings.
struct Probe {
  LinearClassifier classifier;
  std::vector<std::string> classes;  ///< size K
  std::string model;                 ///< The name of the model whose embeddings it was fitted to.
  std::string fingerprint;           ///< That model's ModelInfo::fingerprint.
};

/// Writes a safetensors file: `weights` [K,D] and `bias` [K] in float32; the class names, the model's name
/// and its fingerprint as metadata. Throws Error: invalid_argument (sizes that do not agree) or io.
void save_probe(const std::filesystem::path& file, const Probe& probe);

/// Reads such a file for use with `model`.
///
/// Throws Error: not_found, io, corrupt (not a probe, or a value that is not finite), or invalid_argument
/// (fitted to another model's embeddings; the message names both).
Probe load_probe(const std::filesystem::path& file, const ModelInfo& model);

}  // namespace beeld
