#pragma once

#include <string>
#include <vector>

namespace beeld {

/// A published checkpoint, and what was checked so that it is read as its authors meant it. All of them are
/// checked to have as many weights as is published: docs/checkpoints.md says how.
struct KnownModel {
  std::string repository;  ///< owner/name on the hub
  std::string family;      ///< as families() calls it
  std::string millions;    ///< of weights, to the digits that are published
  std::string files;       ///< "safetensors", or "pickle" where there is nothing else
  std::string reference;   ///< the reference case whose outputs are those of its kind: "clip/public"
  std::string note;        ///< what to know about its numbers, or empty
};

/// The checkpoints that are used most, in the order of data/known_models.tsv, which they are read from.
/// Throws Error: not_found where the installation lacks that file, corrupt for a line that is not one.
std::vector<KnownModel> known_models();

/// What to know about the numbers of a repository's checkpoint, where the list has it; else empty.
std::string known_note(const std::string& repository);

}  // namespace beeld
