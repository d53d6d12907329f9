#include "text/tokenizer/bert_tokenizer.h"

#include <beeld/error.h>

#include "core/base/files.h"
#include "core/base/text.h"
#include "text/subword/word_piece.h"
#include "text/tokenizer/pipeline.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::size_t largest_file = 64u << 20;

Vocabulary read_lines(const std::filesystem::path& file) {
  const auto content = read_file(file, largest_file);
  if (!is_valid_utf8(content))
    throw Error(ErrorCode::corrupt, "[vocabulary] " + file.string() + ": not UTF-8");
  std::vector<std::string> lines;
  auto rest = without_byte_order_mark(content, file.string());
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
  }
  // Of a piece that occurs twice the last line counts, as in the reference.
  Vocabulary vocabulary(file.string());
  for (auto i = lines.size(); i-- > 0;) {
    if (vocabulary.find(lines[i]) == Vocabulary::none) vocabulary.add(lines[i], static_cast<std::int64_t>(i));
  }
  return vocabulary;
}

/// Canonical composition between the clean-up and the lower case, as the reference has it: it matters where
/// accents stay.
class BertReference : public Normalizer {
 public:
  explicit BertReference(const BertNormalizerOptions& options)
      : clean_(make_bert_normalizer({.clean_text = options.clean_text,
                                     .handle_chinese_chars = options.handle_chinese_chars,
                                     .strip_accents = false,
                                     .lowercase = false,
                                     .unassigned = Unassigned::drop})),
        fold_(make_bert_normalizer({.clean_text = false,
                                    .handle_chinese_chars = false,
                                    .strip_accents = options.strip_accents,
                                    .lowercase = false})),
        lowercase_(options.lowercase) {}

  std::string apply(std::string_view text) const override {
    auto result = clean_->apply(lowercase_ ? lowercase(text) : std::string(text));
    result = normalize(result, NormalizationForm::nfc);
    return fold_->apply(lowercase_ ? lowercase(result) : result);
  }

 private:
  std::unique_ptr<const Normalizer> clean_;
  std::unique_ptr<const Normalizer> fold_;
  bool lowercase_;
};

}  // namespace

std::unique_ptr<Tokenizer> read_bert_tokenizer(const std::filesystem::path& file,
                                               const TokenizerConfig& config) {
  PipelineParts parts;
  const auto unknown = config.special_text("unk_token", "[UNK]");
  parts.model = std::make_unique<WordPieceModel>(read_lines(file), WordPieceOptions{.unknown = unknown});
  const auto& vocabulary = parts.model->vocabulary();
  parts.vocabulary_size = vocabulary.size();
  const auto start = vocabulary.require(config.special_text("cls_token", "[CLS]"));
  const auto end = vocabulary.require(config.special_text("sep_token", "[SEP]"));
  parts.frame = {{start}, {end}};
  parts.pad_id = vocabulary.require(config.special_text("pad_token", "[PAD]"));
  for (const auto& [role, fallback] : {std::pair{"unk_token", "[UNK]"},
                                       {"sep_token", "[SEP]"},
                                       {"pad_token", "[PAD]"},
                                       {"cls_token", "[CLS]"},
                                       {"mask_token", "[MASK]"}}) {
    const auto it = config.special.find(role);
    AddedToken token;
    if (it != config.special.end()) token = it->second;
    token.content = config.special_text(role, fallback);
    token.id = vocabulary.find(token.content);
    token.normalized = false;
    if (token.id != Vocabulary::none) parts.added_tokens.push_back(token);
  }
  BertNormalizerOptions options;
  options.lowercase = config.lowercase.value_or(true);
  options.strip_accents = config.strip_accents.value_or(options.lowercase);
  options.handle_chinese_chars = config.tokenize_chinese_chars.value_or(true);
  parts.normalizer = std::make_unique<BertReference>(options);
  parts.pre_tokenizer = make_bert_pre_tokenizer();
  parts.decoder.append(decode_word_piece("##", config.clean_up_spaces.value_or(true)));
  if (config.clean_up_spaces.value_or(false)) parts.decoder.append(clean_up_spaces());
  auto result = std::make_unique<Pipeline>(std::move(parts));
  result->set_context_length(config.context_length);
  result->set_truncation_side(config.truncation_side);
  return result;
}

}  // namespace beeld
