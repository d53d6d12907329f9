#include "text/tokenizer/open_clip_tokenizer.h"

#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "core/format/settings.h"
#include "text/tokenizer/cleaning_tokenizer.h"
#include "text/tokenizer/simple_tokenizer.h"
#include "text/tokenizer/tokenizer_json.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

constexpr int default_context_length = 77;

Vocabulary read_vocabulary(const fs::path& file) {
  return Vocabulary::from_json(read_json(file), file.string());
}

BytePairFiles read_byte_pair_files(const fs::path& folder) {
  const auto merges_file = folder / "merges.txt";
  const auto vocabulary_file = folder / "vocab.json";
  if (!fs::exists(merges_file)) {
    if (fs::exists(folder / "tokenizer.json")) return read_byte_pairs(folder / "tokenizer.json");
    throw Error(ErrorCode::not_found, "[tokenizer] " + folder.string() +
                                          ": expected merges.txt or tokenizer.json beside the weights");
  }
  auto merges = read_merges(merges_file.string());
  auto vocabulary = fs::exists(vocabulary_file) ? read_vocabulary(vocabulary_file)
                                                : vocabulary_of_merges(merges, merges_file.string());
  return {std::move(vocabulary), std::move(merges)};
}

std::unique_ptr<Tokenizer> read_simple_tokenizer(const fs::path& folder, Settings& options) {
  const auto cleaning = read_cleaning(options.string("clean", "lower"), options.origin());
  options.require("additional_special_tokens", nlohmann::json::array());
  options.require("reduction_mask", "");
  options.done();
  auto files = read_byte_pair_files(folder);
  return std::make_unique<SimpleTokenizer>(std::move(files.vocabulary), files.merges, cleaning);
}

/// The separator's id: the last of an empty text.
std::int32_t separator_id(const Tokenizer& tokenizer, const std::string& origin) {
  const auto ids = tokenizer.encode_full("");
  if (ids.empty())
    throw Error(ErrorCode::unsupported, "[tokenizer] " + origin + ": strip_sep_token without separator");
  return ids.back();
}

std::unique_ptr<Tokenizer> wrap(std::unique_ptr<Tokenizer> inner, Settings& options) {
  const auto cleaning = read_cleaning(options.string("clean", "whitespace"), options.origin());
  std::optional<std::int32_t> zeroed;
  if (options.boolean("strip_sep_token", false)) zeroed = separator_id(*inner, options.origin());
  options.done();
  return std::make_unique<CleaningTokenizer>(std::move(inner), cleaning, zeroed);
}

}  // namespace

std::unique_ptr<Tokenizer> read_clip_tokenizer(const fs::path& folder) {
  auto files = read_byte_pair_files(folder);
  return std::make_unique<SimpleTokenizer>(std::move(files.vocabulary), files.merges, Cleaning::lower);
}

std::unique_ptr<Tokenizer> read_open_clip_tokenizer(
    const fs::path& folder,
    const std::function<std::unique_ptr<Tokenizer>(const fs::path&)>& read_hugging_face) {
  auto config = Settings::from_file((folder / "open_clip_config.json").string());
  auto model = config.object("model_cfg");
  auto text = model.object("text_cfg");
  auto options = text.object("tokenizer_kwargs");
  text.require("tokenizer_mode", "");
  const auto length = text.bounded("context_length", default_context_length, 1, 1 << 20);
  auto tokenizer = text.string("hf_tokenizer_name", "").empty() ? read_simple_tokenizer(folder, options)
                                                                : wrap(read_hugging_face(folder), options);
  tokenizer->set_context_length(static_cast<std::size_t>(length));
  return tokenizer;
}

}  // namespace beeld
