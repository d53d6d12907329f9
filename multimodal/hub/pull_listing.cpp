#include "multimodal/hub/pull_listing.h"

#include "core/base/files.h"

#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

namespace beeld {

namespace {

constexpr std::array<std::string_view, 10> tokenizer_files{
    "tokenizer.json",    "tokenizer_config.json",  "vocab.json",      "vocab.txt",
    "merges.txt",        "spiece.model",           "tokenizer.model", "special_tokens_map.json",
    "added_tokens.json", "sentencepiece.bpe.model"};

constexpr std::array<std::string_view, 4> hugging_face_files{
    "config.json", "preprocessor_config.json", "processor_config.json", "generation_config.json"};

constexpr std::array<std::string_view, 2> open_clip_weights{"open_clip_model.safetensors",
                                                            "open_clip_pytorch_model.safetensors"};

using Files = std::map<std::string, HubFile, std::less<>>;

[[noreturn]] void corrupt(const std::string& repository, const std::string& fact) {
  throw Error(ErrorCode::corrupt, "[pull] " + repository + ": the hub's listing: " + fact);
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The string under `key` where it has the form of a hash; else empty.
std::string hash_at(const nlohmann::json& object, const char* key, std::size_t digits) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  auto text = found->get<std::string>();
  return is_hex(text, digits) ? text : "";
}

HubFile file_of(const nlohmann::json& sibling, const std::string& repository) {
  if (!sibling.is_object()) corrupt(repository, "expected an object for each file");
  HubFile file;
  const auto name = sibling.find("rfilename");
  if (name == sibling.end() || !name->is_string()) corrupt(repository, "a file has no rfilename");
  file.name = name->get<std::string>();
  const auto size = sibling.find("size");
  if (size == sibling.end() || !size->is_number_unsigned()) corrupt(repository, file.name + " has no size");
  file.size = size->get<std::uint64_t>();
  file.git_blob = hash_at(sibling, "blobId", 40);
  const auto lfs = sibling.find("lfs");
  if (lfs != sibling.end() && lfs->is_object()) {
    file.sha256 = hash_at(*lfs, "sha256", 64);
    file.git_blob.clear();  // It names the pointer file, not the content.
  }
  return file;
}

/// Takes the files called `names` that are there.
template <typename Names>
void take(const Files& files, const Names& names, std::vector<HubFile>& taken) {
  for (const auto name : names) {
    const auto file = files.find(name);
    if (file != files.end()) taken.push_back(file->second);
  }
}

/// `model-00001-of-00002.safetensors`
bool is_shard(std::string_view name) {
  constexpr std::string_view form = "model-#####-of-#####.safetensors";
  return name.size() == form.size() && std::ranges::equal(name, form, [](char c, char wanted) {
           return wanted == '#' ? c >= '0' && c <= '9' : c == wanted;
         });
}

bool take_open_clip(const Files& files, std::vector<HubFile>& taken) {
  if (!files.contains("open_clip_config.json")) return false;
  for (const auto weights : open_clip_weights) {
    if (!files.contains(weights)) continue;
    take(files, std::array<std::string_view, 2>{"open_clip_config.json", weights}, taken);
    return true;
  }
  return false;
}

bool take_hugging_face(const Files& files, std::vector<HubFile>& taken) {
  if (!files.contains("config.json")) return false;
  if (files.contains("model.safetensors")) {
    taken.push_back(files.at("model.safetensors"));
  } else if (files.contains("model.safetensors.index.json")) {
    taken.push_back(files.at("model.safetensors.index.json"));
    for (const auto& [name, file] : files)
      if (is_shard(name)) taken.push_back(file);
  } else {
    return false;
  }
  take(files, hugging_face_files, taken);
  return true;
}

[[noreturn]] void no_checkpoint(const Files& files, const std::string& repository) {
  for (const auto& entry : files) {
    const std::string_view name = entry.first;
    if (!name.ends_with(".bin") && !name.ends_with(".pt") && !name.ends_with(".pth")) continue;
    throw Error(ErrorCode::unsupported,
                "[pull] " + repository + ": it has pickled weights only (" + entry.first +
                    "), which are refused because reading them can run code; look for a repository of the "
                    "same model with a .safetensors file");
  }
  throw Error(ErrorCode::not_found,
              "[pull] " + repository +
                  ": expected config.json with model.safetensors, or open_clip_config.json with "
                  "open_clip_model.safetensors");
}

}  // namespace

HubListing read_listing(std::string_view json, const std::string& repository) {
  const auto answer = parse_json(json, repository);
  const auto siblings = answer.is_object() ? answer.find("siblings") : answer.end();
  if (siblings == answer.end() || !siblings->is_array()) corrupt(repository, "expected a list of siblings");

  Files files;
  for (const auto& sibling : *siblings) {
    auto file = file_of(sibling, repository);
    files.emplace(file.name, file);
  }
  HubListing listing;
  listing.revision = hash_at(answer, "sha", 40);
  if (listing.revision.empty()) listing.revision = "main";
  if (!take_open_clip(files, listing.files) && !take_hugging_face(files, listing.files)) {
    no_checkpoint(files, repository);
  }
  take(files, tokenizer_files, listing.files);
  std::ranges::sort(listing.files, {}, &HubFile::size);
  return listing;
}

}  // namespace beeld
