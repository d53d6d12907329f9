#include "core/format/checkpoint.h"

#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/format/pickled_file.h"

#include <beeld/error.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace beeld {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t sample_bytes = 4096;

[[noreturn]] void corrupt(const fs::path& index, const std::string& fact) {
  throw Error(ErrorCode::corrupt, "[checkpoint] " + index.string() + ": " + fact);
}

/// The shard named by an index entry: a file beside the index, never a path out of its folder, and of the
/// kind that the index is named after.
std::string shard_name(const fs::path& index, const nlohmann::json& value) {
  if (!value.is_string()) corrupt(index, "expected the name of a shard, got " + value.dump());
  auto name = value.get<std::string>();
  const bool plain = name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  const auto extension = index.stem().stem().extension().string();
  const std::string kind = has_pickled_name("model" + extension) ? extension : ".safetensors";
  if (!plain || name.starts_with('.') || !name.ends_with(kind)) {
    corrupt(index, "expected the plain name of a " + kind + " file, got " + value.dump());
  }
  return name;
}

std::string listed(std::span<const std::string> names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

/// A checkpoint that was named after its epoch or its model, where nothing else can be meant.
fs::path only_pickled_file(const fs::path& folder, std::span<const char* const> file_names) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (has_pickled_name(entry.path())) found.push_back(entry.path().filename().string());
  }
  if (found.size() == 1) return folder / found.front();
  std::ranges::sort(found);
  const std::vector<std::string> wanted(file_names.begin(), file_names.end());
  throw Error(ErrorCode::not_found,
              "[checkpoint] " + folder.string() + ": expected one of " + listed(wanted) +
                  (found.empty() ? "" : ", or one pickled file, not several: " + listed(found)));
}

/// Small tensors count in full; of others the start, the middle and the end.
void add_samples(Digest& hash, std::span<const std::byte> bytes) {
  if (bytes.size() <= 3 * sample_bytes) return hash.add(bytes);
  hash.add(bytes.first(sample_bytes));
  hash.add(bytes.subspan((bytes.size() - sample_bytes) / 2, sample_bytes));
  hash.add(bytes.last(sample_bytes));
}

}  // namespace

Checkpoint Checkpoint::open(const fs::path& folder, std::span<const char* const> file_names) {
  for (const char* name : file_names) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) return Checkpoint(folder / name);
  }
  return Checkpoint(only_pickled_file(folder, file_names));
}

Checkpoint::File Checkpoint::open_file(const fs::path& path) {
  const auto parts = [](const auto& file) { return File{file.mapping(), file.header(), file.tensors()}; };
  return has_pickled_name(path) ? parts(PickledFile(path)) : parts(SafetensorsFile(path));
}

Checkpoint::Checkpoint(const fs::path& file) : path_(file) {
  if (file.extension() == ".json") {
    add_shards(file);
  } else {
    tensors_ = files_.emplace(file.filename().string(), open_file(file)).first->second.tensors;
  }
}

void Checkpoint::add_shards(const fs::path& index) {
  const auto json = read_json(index);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object()) corrupt(index, "expected an object with a weight_map");
  for (const auto& [name, value] : map->items()) {
    const auto shard = shard_name(index, value);
    auto file = files_.find(shard);
    if (file == files_.end()) {
      file = files_.emplace(shard, open_file(index.parent_path() / shard)).first;
    }
    const auto tensor = file->second.tensors.find(name);
    if (tensor == file->second.tensors.end()) corrupt(index, "tensor " + name + " is not in " + shard);
    tensors_.emplace(name, tensor->second);
  }
}

const TensorEntry* Checkpoint::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const auto& entry : tensors_) names.push_back(entry.first);
  return names;
}

std::string Checkpoint::digest() const {
  Digest hash;
  for (const auto& [name, file] : files_) {
    hash.add(name + '\n' + std::to_string(file.mapping->bytes().size()) + '\n');
    hash.add(file.header);
    for (const auto& entry : file.tensors) add_samples(hash, entry.second.bytes);
  }
  return hash.hex();
}

void Checkpoint::forget_pages() const {
  for (const auto& [name, file] : files_) file.mapping->forget_pages();
}

}  // namespace beeld
