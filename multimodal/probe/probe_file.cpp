#include "multimodal/probe/probe_file.h"

#include <beeld/error.h>
#include <beeld/store.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/digest.h"
#include "core/format/safetensors.h"

namespace beeld {

namespace {

constexpr std::size_t shown_digits = 12;  // of a fingerprint

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

/// Over all that decides what a probe says.
std::string checksum_of(const Probe& probe, const std::string& classes) {
  Digest digest;
  const auto& [weights, bias, penalty] = probe.classifier;
  for (const auto bytes :
       {bytes_of(weights.values), bytes_of(bias), std::as_bytes(std::span(classes)),
        std::as_bytes(std::span(probe.model)), std::as_bytes(std::span(probe.fingerprint))}) {
    digest.add(std::to_string(bytes.size()) + ":");
    digest.add(bytes);
  }
  return digest.hex();
}

[[noreturn]] void corrupt(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[probe] " + file.string() + ": " + what);
}

std::string metadata(const SafetensorsFile& file, const std::filesystem::path& path, const char* key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    corrupt(path, std::string("not a probe: its metadata has no \"") + key + "\"");
  }
  return found->second;
}

std::vector<float> values(const SafetensorsFile& file, const std::filesystem::path& path, const char* name,
                          const std::vector<std::int64_t>& shape) {
  const auto found = file.tensors().find(std::string_view(name));
  if (found == file.tensors().end()) corrupt(path, std::string("no tensor ") + name);
  const auto& tensor = found->second;
  if (tensor.dtype != DType::f32 || tensor.shape != shape) {
    std::string expected;
    for (const auto extent : shape) expected += (expected.empty() ? "" : ",") + std::to_string(extent);
    corrupt(path, std::string(name) + ": expected F32 [" + expected + "]");
  }
  std::vector<float> result(tensor.bytes.size() / sizeof(float));
  std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
  if (!std::all_of(result.begin(), result.end(), [](float value) { return std::isfinite(value); })) {
    corrupt(path, std::string(name) + " has a value that is not finite");
  }
  return result;
}

std::vector<std::string> class_names(const std::string& text, const std::filesystem::path& path) {
  const auto list = parse_json(text, path.string() + ": classes");
  std::vector<std::string> names;
  if (list.is_array()) {
    for (const auto& name : list) {
      if (name.is_string()) names.push_back(name.get<std::string>());
    }
  }
  if (names.empty() || names.size() != list.size()) corrupt(path, "classes: expected a list of names");
  return names;
}

}  // namespace

void save_probe(const std::filesystem::path& file, const Probe& probe) {
  const auto& [weights, bias, penalty] = probe.classifier;
  if (weights.rows != probe.classes.size() || bias.size() != probe.classes.size()) {
    throw Error(ErrorCode::invalid_argument, "[probe] " + file.string() + ": " +
                                                 std::to_string(probe.classes.size()) + " class names for " +
                                                 std::to_string(weights.rows) + " rows and " +
                                                 std::to_string(bias.size()) + " biases");
  }
  const auto rows = static_cast<std::int64_t>(weights.rows);
  const auto columns = static_cast<std::int64_t>(weights.columns);
  // Names come from folders, and a folder's name may be any bytes.
  const auto names =
      nlohmann::json(probe.classes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_safetensors(file,
                    {{"weights", {DType::f32, {rows, columns}, bytes_of(weights.values)}},
                     {"bias", {DType::f32, {rows}, bytes_of(bias)}}},
                    {{"format", "beeld probe"},
                     {"classes", names},
                     {"model", probe.model},
                     {"fingerprint", probe.fingerprint},
                     {"checksum", checksum_of(probe, names)}});
}

Probe load_probe(const std::filesystem::path& file, const ModelInfo& model) {
  const SafetensorsFile content(file);
  Probe probe;
  probe.fingerprint = metadata(content, file, "fingerprint");
  probe.model = metadata(content, file, "model");
  if (probe.fingerprint != model.fingerprint) {
    throw Error(ErrorCode::invalid_argument,
                "[probe] " + file.string() + ": fitted to embeddings of " + probe.model + " (" +
                    probe.fingerprint.substr(0, shown_digits) + "), but this is " +
                    (model.folder.empty() ? model.name : model_reference(model.folder)) + " (" +
                    model.fingerprint.substr(0, shown_digits) + ")");
  }
  const auto names = metadata(content, file, "classes");
  probe.classes = class_names(names, file);
  const auto rows = static_cast<std::int64_t>(probe.classes.size());
  auto& [weights, bias, penalty] = probe.classifier;
  weights = Matrix();
  weights.rows = probe.classes.size();
  weights.columns = model.dimension;
  weights.values = values(content, file, "weights", {rows, static_cast<std::int64_t>(model.dimension)});
  bias = values(content, file, "bias", {rows});
  if (metadata(content, file, "checksum") != checksum_of(probe, names))
    corrupt(file, "damaged: it does not have its checksum");
  return probe;
}

}  // namespace beeld
