#include "bench/encoding/encoder_inputs.h"

#include <beeld/tokenizer.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>

#include "core/base/files.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"

namespace beeld::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t items = 32, context = 77;

/// Lowercase letters, one token each beside the start and end tokens. The step is such that no two
/// neighbours are merged.
std::string text_of(std::size_t tokens, std::size_t seed) {
  std::string text;
  for (std::size_t i = 0; i + 2 < tokens; ++i) text.push_back(static_cast<char>('a' + (seed + i * 7) % 26));
  return text;
}

std::vector<std::size_t> lengths_of_captions(const fs::path& file) {
  std::vector<std::size_t> lengths;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    lengths.push_back(nlohmann::json::parse(line)["ids"].size());
  }
  return lengths;
}

// A word is about a token, beside the start and end tokens.
std::vector<std::size_t> lengths_of_names(const fs::path& folder) {
  std::vector<std::size_t> lengths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    lengths.push_back(3 + static_cast<std::size_t>(std::count(name.begin(), name.end(), '-')));
  }
  std::sort(lengths.begin(), lengths.end());  // a folder has no order of its own
  return lengths;
}

template <class T>
void write_values(const fs::path& file, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  write_file_atomically(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::vector<std::int64_t> padded_ids(const Model& model, const std::vector<std::string>& texts) {
  std::vector<std::int64_t> all;
  for (const auto& text : texts) {
    const auto ids = model.tokenizer().encode(text);
    all.insert(all.end(), ids.begin(), ids.end());
    all.insert(all.end(), context - ids.size(), ids.back());
  }
  return all;
}

}  // namespace

EncoderInputs make_encoder_inputs(const Model& model) {
  EncoderInputs inputs;
  const auto captions = testing::shared_folder() / "tokenizers" / "clip" / "coco_captions.jsonl";
  auto lengths = lengths_of_captions(captions);
  inputs.source = "COCO";
  if (lengths.empty()) {
    lengths = lengths_of_names(fs::path(BEELD_SOURCE_DIR) / "data" / "gallery");
    inputs.source = "the drawn gallery";
  }
  if (lengths.empty()) throw std::runtime_error("bench: no captions");
  for (std::size_t i = 0; i < items; ++i) {
    const auto picture = testing::wave_picture(224, 224, static_cast<std::uint32_t>(i));
    inputs.pictures.push_back(model.preprocess(picture));
    inputs.texts.push_back(text_of(context, i));
    inputs.captions.push_back(text_of(std::min(lengths[i * lengths.size() / items], context), i));
  }
  if (token_count(model, inputs.texts) != items * context) {
    throw std::runtime_error("bench: a letter is not a token");
  }
  return inputs;
}

void write_encoder_inputs(const EncoderInputs& inputs, const Model& model, const fs::path& folder) {
  std::vector<float> pixels;
  for (const auto& picture : inputs.pictures) {
    pixels.insert(pixels.end(), picture.values.begin(), picture.values.end());
  }
  write_values(folder / "pictures.f32", pixels);
  write_values(folder / "texts.i64", padded_ids(model, inputs.texts));
  write_values(folder / "captions.i64", padded_ids(model, inputs.captions));
}

std::size_t token_count(const Model& model, const std::vector<std::string>& texts) {
  std::size_t count = 0;
  for (const auto& text : texts) count += model.tokenizer().encode(text).size();
  return count;
}

}  // namespace beeld::bench
