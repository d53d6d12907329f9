#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/weight_files.h"

namespace beeld::testing {

/// Pieces of a pickle as torch writes it: each is what leaves one value on the stack.
namespace pickled {

std::string text(std::string_view value);
std::string integer(std::int64_t value);
std::string tuple(const std::vector<std::string>& items);
std::string list(const std::vector<std::string>& items);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);
std::string ordered_dict(const std::vector<std::pair<std::string, std::string>>& items);
std::string global(std::string_view module, std::string_view name);
std::string call(const std::string& callee, const std::string& arguments);

/// An object of a scripted module with its members by name.
std::string module_object(std::string_view class_name,
                          const std::vector<std::pair<std::string, std::string>>& members);

/// `type` is for example "FloatStorage".
std::string storage(std::string_view type, std::string_view key, std::int64_t elements);
/// The same as before torch 1.6, with a sixth item.
std::string stream_storage(std::string_view type, std::string_view key, std::int64_t elements,
                           const std::string& part = "N");

struct View {
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};
std::string tensor(const std::string& storage, const View& view);
std::string parameter(const std::string& tensor);

std::vector<std::int64_t> row_major(const std::vector<std::int64_t>& shape);

/// The whole pickle of one value.
std::string whole(const std::string& value);

}  // namespace pickled

struct ZipFile {
  std::string name;
  std::string content;
};
enum class ZipSizes { plain, zip64 };

/// An archive of stored files, each beginning at a multiple of 64 bytes.
std::string zip_bytes(const std::vector<ZipFile>& files, ZipSizes sizes = ZipSizes::plain);

/// torch.save's archive: `storages` by key.
std::string torch_archive(const std::string& pickle, const std::vector<ZipFile>& storages,
                          ZipSizes sizes = ZipSizes::plain);

struct StreamStorage {
  std::string key;
  std::int64_t elements = 0;
  std::string content;
};
/// What torch.save wrote before 1.6.
std::string torch_stream(const std::string& pickle, const std::vector<StreamStorage>& storages);

enum class TorchForm { archive, archive_zip64, stream, script };

/// A state dict, or the same tensors hanging in a tree of scripted modules, each in a storage of its own.
std::string torch_bytes(const std::map<std::string, TensorData, std::less<>>& tensors, TorchForm form);
std::string torch_bytes(const StoredTensors& tensors, DType dtype, TorchForm form);

void write_torch(const std::filesystem::path& file, const StoredTensors& tensors, DType dtype = DType::f32,
                 TorchForm form = TorchForm::archive);

}  // namespace beeld::testing
