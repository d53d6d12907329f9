#include "multimodal/hub/pull_listing.h"

#include "core/base/files.h"
#include "core/format/pickled_file.h"

#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace beeld {

namespace {

constexpr std::array<std::string_view, 10> tokenizer_files{
    "tokenizer.json",    "tokenizer_config.json",  "vocab.json",      "vocab.txt",
    "merges.txt",        "spiece.model",           "tokenizer.model", "special_tokens_map.json",
    "added_tokens.json", "sentencepiece.bpe.model"};

constexpr std::array<std::string_view, 4> hugging_face_files{
    "config.json", "preprocessor_config.json", "processor_config.json", "generation_config.json"};

constexpr const char* open_clip_config = "open_clip_config.json";
constexpr const char* hugging_face_config = "config.json";

/// What training programs pickle beside the weights.
constexpr std::array<std::string_view, 5> training_files{"training_args", "optimizer", "scheduler",
                                                         "rng_state", "scaler"};

/// The files of one folder, by their names in it.
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

/// What has been chosen.
struct Taken {
  const Files& files;
  std::vector<HubFile> chosen = {};

  void take(std::string_view name, FileKind kind) {
    const auto file = files.find(name);
    if (file == files.end()) return;
    chosen.push_back(file->second);
    chosen.back().kind = kind;
  }
};

/// `model-00001-of-00002.safetensors`, where the index is `model.safetensors.index.json`.
bool is_shard(std::string_view name, std::string_view stem, std::string_view ending) {
  constexpr std::string_view numbers = "-#####-of-#####";
  if (name.size() != stem.size() + numbers.size() + ending.size()) return false;
  return name.starts_with(stem) && name.ends_with(ending) &&
         std::ranges::equal(name.substr(stem.size(), numbers.size()), numbers, [](char c, char wanted) {
           return wanted == '#' ? c >= '0' && c <= '9' : c == wanted;
         });
}

/// Weights in one file, or in shards with their index: `stem` is "model", `ending` ".safetensors".
bool take_weights(Taken& taken, const std::string& stem, const std::string& ending) {
  const auto whole = stem + ending, index = whole + ".index.json";
  if (taken.files.contains(whole)) {
    taken.take(whole, FileKind::weights);
    return true;
  }
  if (!taken.files.contains(index)) return false;
  taken.take(index, FileKind::weights);
  for (const auto& entry : taken.files) {
    if (is_shard(entry.first, stem, ending)) taken.take(entry.first, FileKind::weights);
  }
  return true;
}

/// The only pickled file, under whatever name: OpenAI's archives are named after their model.
bool take_only_pickle(Taken& taken) {
  std::vector<std::string_view> found;
  for (const auto& entry : taken.files) {
    const auto is_training = [&](std::string_view begin) { return entry.first.starts_with(begin); };
    if (is_safe_part(entry.first) && has_pickled_name(entry.first) &&
        std::ranges::none_of(training_files, is_training))
      found.push_back(entry.first);
  }
  if (found.size() != 1) return false;
  taken.take(found.front(), FileKind::weights);
  return true;
}

/// Weights and the configuration that they need beside them, the set that is taken first before the others.
struct CheckpointSet {
  const char* configuration;
  const char* stem;
  const char* ending;
};

constexpr CheckpointSet sets[] = {
    {open_clip_config, "open_clip_model", ".safetensors"},
    {open_clip_config, "open_clip_pytorch_model", ".safetensors"},
    {hugging_face_config, "model", ".safetensors"},
    {open_clip_config, "model", ".safetensors"},
    {open_clip_config, "open_clip_pytorch_model", ".bin"},
    {hugging_face_config, "pytorch_model", ".bin"},
};

void take_configuration(Taken& taken, std::string_view configuration) {
  if (configuration == open_clip_config) return taken.take(configuration, FileKind::configuration);
  for (const auto name : hugging_face_files) taken.take(name, FileKind::configuration);
}

bool take_set(Taken& taken) {
  for (const auto& [configuration, stem, ending] : sets) {
    if (!taken.files.contains(configuration) || !take_weights(taken, stem, ending)) continue;
    take_configuration(taken, configuration);
    return true;
  }
  const auto& files = taken.files;
  const bool open_clip = files.contains(open_clip_config);
  const bool described = open_clip || files.contains(hugging_face_config) || files.contains("merges.txt") ||
                         files.contains("tokenizer.json");
  if (!described || !take_only_pickle(taken)) return false;
  take_configuration(taken, open_clip ? open_clip_config : hugging_face_config);
  return true;
}

/// One complete set of the folder's files; nothing where there is none.
std::vector<HubFile> choose(const Files& files) {
  Taken taken{files};
  if (!take_set(taken)) return {};
  for (const auto name : tokenizer_files) taken.take(name, FileKind::tokenizer);
  return std::move(taken.chosen);
}

/// The repository's files by their folders, which are empty or end in a slash.
using Folders = std::map<std::string, Files, std::less<>>;

/// The steps of a sentence-transformers model: what lists them, and each step's own folder, "1_Pooling/".
constexpr std::array<std::string_view, 3> module_files{"modules.json", "config_sentence_transformers.json",
                                                       "sentence_bert_config.json"};

bool is_module(std::string_view folder) {
  const auto mark = folder.find('_');
  return mark != std::string_view::npos && mark > 0 && folder.ends_with('/') &&
         folder.find_first_not_of("0123456789") == mark && is_safe_part(folder.substr(0, folder.size() - 1));
}

/// What a step needs: a configuration and perhaps weights, or the checkpoint that the first step is.
std::vector<HubFile> choose_module(const Files& files) {
  auto chosen = choose(files);
  if (!chosen.empty()) return chosen;
  Taken taken{files};
  taken.take("config.json", FileKind::configuration);
  taken.take("sentence_bert_config.json", FileKind::configuration);
  return std::move(taken.chosen);
}

/// Adds the steps to the checkpoint in the folder `at`, where there are any.
void add_modules(const Folders& folders, const std::string& at, std::vector<HubFile>& chosen) {
  const auto root = folders.find(at);
  if (root == folders.end() || !root->second.contains(module_files.front())) return;
  Taken listed{root->second};
  for (const auto name : module_files) listed.take(name, FileKind::configuration);
  chosen.insert(chosen.end(), listed.chosen.begin(), listed.chosen.end());
  for (const auto& [folder, files] : folders) {
    if (!folder.starts_with(at) || !is_module(std::string_view(folder).substr(at.size()))) continue;
    for (auto file : choose_module(files)) {
      file.name.insert(0, folder.substr(at.size()));
      chosen.push_back(std::move(file));
    }
  }
}

bool has_weights(const std::vector<HubFile>& files) {
  return std::ranges::any_of(files, [](const HubFile& file) { return file.kind == FileKind::weights; });
}

[[noreturn]] void no_checkpoint(const Folders& folders, const HubName& name) {
  constexpr std::size_t most_shown = 4;
  std::string others;
  std::size_t shown = 0;
  for (const auto& [folder, files] : folders) {
    if (folder.empty() || choose(files).empty()) continue;
    auto other = name;
    other.subfolder = folder.substr(0, folder.size() - 1);
    const auto parsed = parse_hub_name(other.text());
    if (!parsed || parsed->subfolder != other.subfolder || other.subfolder == name.subfolder) continue;
    if (++shown <= most_shown) others += (others.empty() ? "" : ", ") + ("hf:" + other.text());
  }
  throw Error(ErrorCode::not_found,
              "[pull] " + name.text() +
                  (others.empty() ? ": expected config.json with model.safetensors or pytorch_model.bin, or "
                                    "open_clip_config.json with open_clip_model.safetensors or "
                                    "open_clip_pytorch_model.bin"
                                  : ": no checkpoint lies here, but one in a subfolder: " + others));
}

/// The hub's answer as JSON; what is none comes from something that is no hub.
nlohmann::json parse_answer(std::string_view json, const std::string& repository) {
  try {
    return parse_json(json, repository);
  } catch (const Error& error) {
    throw Error(ErrorCode::corrupt,
                "[pull] " + repository + ": not a hub's answer, which is JSON: " + error.what());
  }
}

}  // namespace

HubListing read_listing(std::string_view json, const HubName& name) {
  const auto repository = name.repository();
  const auto answer = parse_answer(json, repository);
  const auto siblings = answer.is_object() ? answer.find("siblings") : answer.end();
  if (siblings == answer.end() || !siblings->is_array()) corrupt(repository, "expected a list of siblings");

  Folders folders;
  for (const auto& sibling : *siblings) {
    auto file = file_of(sibling, repository);
    const auto slash = file.name.rfind('/');
    const auto folder = slash == std::string::npos ? "" : file.name.substr(0, slash + 1);
    if (slash != std::string::npos) file.name.erase(0, slash + 1);
    folders[folder].emplace(file.name, file);
  }
  HubListing listing;
  listing.revision = hash_at(answer, "sha", 40);
  if (listing.revision.empty()) listing.revision = name.revision.empty() ? "main" : name.revision;
  const auto folder = name.subfolder.empty() ? "" : name.subfolder + "/";
  listing.files = choose(folders[folder]);
  add_modules(folders, folder, listing.files);
  if (!has_weights(listing.files)) no_checkpoint(folders, name);
  std::ranges::sort(listing.files, {}, [](const HubFile& file) { return std::pair(file.kind, file.size); });
  return listing;
}

}  // namespace beeld
