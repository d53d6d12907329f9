#pragma once

#include "core/base/files.h"
#include "core/format/safetensors.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace beeld {

/// One file of torch.save (a zip archive, or the stream of before torch 1.6) or of torch.jit.save, as tensors
/// only and memory-mapped; changes to the bytes stay in this process. Nothing in the file is ever run: what
/// core/format/unpickler.h does not know is refused by name.
///
/// The tensors are those of a state dict, of the one that a training checkpoint has under `state_dict`,
/// `model_state_dict` or `model`, or of a scripted module, where a name is the path through the modules. A
/// `module.` before all names is left out. Row-major tensors are views of the file, and others are copied.
///
/// The file is hostile input: a storage must have exactly the bytes that its type and size need, a tensor
/// must lie in its storage, and what is copied may be no more than twice the file. Archives that were
/// compressed, and big-endian files, are refused. A zip archive's checksums are not compared.
class PickledFile {
 public:
  /// Throws Error: not_found, io, corrupt, limit, or unsupported.
  explicit PickledFile(const std::filesystem::path& path);

  const std::map<std::string, TensorEntry, std::less<>>& tensors() const { return tensors_; }
  std::shared_ptr<MappedFile> mapping() const { return mapping_; }

  /// The bytes of the pickle that describes the tensors.
  std::string_view header() const { return header_; }

 private:
  std::shared_ptr<MappedFile> mapping_;
  std::string_view header_;
  std::map<std::string, TensorEntry, std::less<>> tensors_;
};

/// Whether a file's name is one that torch.save's files usually have: .bin, .pt, .pth, .ckpt, .pkl.
bool has_pickled_name(const std::filesystem::path& file);

}  // namespace beeld
