#include "text/tokenizer/load_tokenizer.h"

#include <beeld/error.h>

#include <nlohmann/json.hpp>

#include "text/tokenizer/bert_tokenizer.h"
#include "text/tokenizer/byte_level_tokenizer.h"
#include "text/tokenizer/cleaning_tokenizer.h"
#include "text/tokenizer/marian_tokenizer.h"
#include "text/tokenizer/open_clip_tokenizer.h"
#include "text/tokenizer/sentence_piece_tokenizer.h"
#include "text/tokenizer/siglip_tokenizer.h"
#include "text/tokenizer/tokenizer_json.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

bool is_t5(const TokenizerConfig& config) {
  if (!config.tokenizer_class.empty()) return config.tokenizer_class == "T5Tokenizer";
  return config.model_type == "t5" || config.model_type == "mt5" || config.model_type == "umt5";
}

std::unique_ptr<Tokenizer> read_tokenizer_model(const fs::path& file, const TokenizerConfig& config) {
  const auto& kind = config.tokenizer_class;
  if (kind == "LlamaTokenizer") return read_llama_tokenizer(file, config);
  const bool gemma = kind == "GemmaTokenizer" || kind == "Siglip2Tokenizer" ||
                     SentencePieceModel(file, DummyPrefix::as_file).find("<bos>") >= 0;
  return gemma ? read_gemma_tokenizer(file, config) : read_llama_tokenizer(file, config);
}

std::unique_ptr<Tokenizer> read_hugging_face_tokenizer(const fs::path& folder) {
  const auto has = [&](const char* name) { return fs::exists(folder / name); };
  const auto config = read_tokenizer_config(folder);
  const auto& kind = config.tokenizer_class;
  const bool siglip =
      kind == "SiglipTokenizer" ||
      (kind.empty() && (config.model_type == "siglip" || config.model_type == "siglip_text_model"));
  const bool marian = kind == "MarianTokenizer" || (kind.empty() && !has("tokenizer.json"));
  if (has("source.spm") && marian) return read_marian_tokenizer(folder, config);
  if (has("spiece.model") && is_t5(config)) return read_t5_tokenizer(folder / "spiece.model", config);
  if (has("spiece.model") && (siglip || (kind.empty() && !has("tokenizer.json")))) {
    return read_siglip_tokenizer(folder / "spiece.model", config);
  }
  const bool bert = kind == "BertTokenizer" || kind == "DistilBertTokenizer";
  if (has("vocab.txt") && (kind.empty() || bert) && (!kind.empty() || !has("tokenizer.json"))) {
    return read_bert_tokenizer(folder / "vocab.txt", config);
  }
  if (has("tokenizer.json")) return read_tokenizer_json(folder / "tokenizer.json", config);
  if (has("vocab.json") && has("merges.txt")) return read_byte_level_tokenizer(folder, config);
  const bool xlm_roberta =
      kind == "XLMRobertaTokenizer" ||
      (kind.empty() && (config.model_type == "xlm-roberta" || config.model_type == "M-CLIP"));
  if (has("sentencepiece.bpe.model") && xlm_roberta)
    return read_xlm_roberta_tokenizer(folder / "sentencepiece.bpe.model", config);
  const bool known =
      kind.empty() || kind == "GemmaTokenizer" || kind == "Siglip2Tokenizer" || kind == "LlamaTokenizer";
  if (has("tokenizer.model") && known) return read_tokenizer_model(folder / "tokenizer.model", config);
  if (has("spiece.model") || has("tokenizer.model") || has("vocab.txt") || has("sentencepiece.bpe.model")) {
    throw Error(ErrorCode::unsupported, "[tokenizer] " + folder.string() + ": a tokenizer_class \"" + kind +
                                            "\" without tokenizer.json");
  }
  throw Error(ErrorCode::not_found,
              "[tokenizer] " + folder.string() +
                  ": expected tokenizer.json, vocab.json with merges.txt, vocab.txt, "
                  "spiece.model, tokenizer.model, sentencepiece.bpe.model or source.spm with target.spm");
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

std::shared_ptr<Tokenizer> load_cleaning_tokenizer(const fs::path& folder, Cleaning cleaning) {
  return std::make_shared<CleaningTokenizer>(load_hugging_face_tokenizer(folder), cleaning);
}

std::shared_ptr<Tokenizer> load_clip_tokenizer(const fs::path& folder) {
  return guarded(folder, read_clip_tokenizer);
}

std::shared_ptr<Tokenizer> load_tokenizer(const fs::path& folder) {
  return guarded(folder, [](const fs::path& path) {
    return fs::exists(path / "open_clip_config.json")
               ? read_open_clip_tokenizer(path, read_hugging_face_tokenizer)
               : read_hugging_face_tokenizer(path);
  });
}

}  // namespace beeld
