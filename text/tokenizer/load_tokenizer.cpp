#include "text/tokenizer/load_tokenizer.h"

#include <beeld/error.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/format/settings.h"
#include "text/tokenizer/bert_tokenizer.h"
#include "text/tokenizer/open_clip_tokenizer.h"
#include "text/tokenizer/siglip_tokenizer.h"
#include "text/tokenizer/simple_tokenizer.h"
#include "text/tokenizer/tokenizer_json.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

/// HF's `CLIPTokenizer` or `GPT2Tokenizer` from `vocab.json` and `merges.txt`: what their tokenizer.json
/// would say.
std::unique_ptr<Tokenizer> read_byte_level_tokenizer(const fs::path& folder, const TokenizerConfig& config) {
  const auto file = folder / "vocab.json";
  auto vocabulary = Vocabulary::from_json(read_json(file), file.string());
  const bool is_clip = vocabulary.find("!</w>") != Vocabulary::none;
  const auto id_of = [&](const char* role, const char* fallback) {
    return vocabulary.require(config.special_text(role, fallback));
  };
  const std::string end_text = config.special_text("eos_token", "<|endoftext|>");
  const auto end = id_of("eos_token", "<|endoftext|>");
  PipelineParts parts;
  parts.vocabulary_size = vocabulary.size();
  parts.pad_id = config.special.contains("pad_token") ? id_of("pad_token", "") : end;
  BytePairOptions options;
  std::vector<std::unique_ptr<const PreTokenizer>> steps;
  if (is_clip) {
    const auto start = id_of("bos_token", "<|startoftext|>");
    parts.frame = {{start}, {end}};
    parts.added_tokens.push_back(
        {.content = config.special_text("bos_token", "<|startoftext|>"), .id = start, .normalized = true});
    options = {.unknown = config.special_text("unk_token", "<|endoftext|>"), .end_suffix = "</w>"};
    parts.normalizer =
        read_normalizer(nlohmann::json::parse(R"({"type": "Sequence", "normalizers": [{"type": "NFC"},
        {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]})"),
                        "CLIP");
    steps.push_back(make_split(clip_words, {.invert = true}));
  }
  parts.added_tokens.push_back({.content = end_text, .id = end});
  steps.push_back(make_byte_level(false, true));
  parts.pre_tokenizer = make_pre_tokenizer_sequence(std::move(steps));
  const auto merges = read_merges((folder / "merges.txt").string());
  parts.model = std::make_unique<BytePairModel>(std::move(vocabulary), merges, options);
  auto result = std::make_unique<Pipeline>(std::move(parts));
  result->set_context_length(config.context_length);
  return result;
}

std::unique_ptr<Tokenizer> read_hugging_face_tokenizer(const fs::path& folder) {
  const auto has = [&](const char* name) { return fs::exists(folder / name); };
  const auto config = read_tokenizer_config(folder);
  const auto& kind = config.tokenizer_class;
  const bool siglip = kind == "SiglipTokenizer" || (kind.empty() && config.model_type == "siglip");
  if (has("spiece.model") && (siglip || (kind.empty() && !has("tokenizer.json")))) {
    return read_siglip_tokenizer(folder / "spiece.model", config);
  }
  if (has("vocab.txt") && (kind.empty() || kind == "BertTokenizer") &&
      (!kind.empty() || !has("tokenizer.json"))) {
    return read_bert_tokenizer(folder / "vocab.txt", config);
  }
  if (has("tokenizer.json")) return read_tokenizer_json(folder / "tokenizer.json", config);
  if (has("vocab.json") && has("merges.txt")) return read_byte_level_tokenizer(folder, config);
  const bool gemma = kind.empty() || kind == "GemmaTokenizer" || kind == "Siglip2Tokenizer";
  if (has("tokenizer.model") && gemma) return read_gemma_tokenizer(folder / "tokenizer.model", config);
  if (has("spiece.model") || has("tokenizer.model") || has("vocab.txt")) {
    throw Error(ErrorCode::unsupported, "[tokenizer] " + folder.string() + ": a tokenizer_class \"" + kind +
                                            "\" without tokenizer.json");
  }
  throw Error(ErrorCode::not_found, "[tokenizer] " + folder.string() +
                                        ": expected tokenizer.json, vocab.json with merges.txt, vocab.txt, "
                                        "spiece.model or tokenizer.model");
}

/// Reads with `read`, whatever of another library's errors is in the files told in ours.
template <class Read>
std::shared_ptr<Tokenizer> guarded(const fs::path& folder, const Read& read) {
  try {
    return read(folder);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::corrupt, "[tokenizer] " + folder.string() + ": " + error.what());
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::io, "[tokenizer] " + folder.string() + ": " + error.what());
  }
}

}  // namespace

std::shared_ptr<Tokenizer> load_hugging_face_tokenizer(const fs::path& folder) {
  return guarded(folder, read_hugging_face_tokenizer);
}

std::shared_ptr<Tokenizer> load_tokenizer(const fs::path& folder) {
  return guarded(folder, [](const fs::path& path) {
    return fs::exists(path / "open_clip_config.json")
               ? read_open_clip_tokenizer(path, read_hugging_face_tokenizer)
               : read_hugging_face_tokenizer(path);
  });
}

}  // namespace beeld
