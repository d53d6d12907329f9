#include "text/tokenizer/train_vocabulary.h"

#include <beeld/error.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "core/base/files.h"
#include "text/tokenizer/siglip_tokenizer.h"
#include "text/unicode/unicode.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t special_pieces = 3;
constexpr std::size_t most_pieces = 1u << 20;
constexpr std::size_t longest_piece_limit = 512;  // SentencePiece's own
constexpr std::size_t longest_word_bytes = 256;
constexpr std::size_t most_bytes = 64u << 20;

/// Sentences held in memory.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(std::span<const std::string> texts) : texts_(texts) {}

  bool done() const override { return position_ == texts_.size(); }
  void Next() override { ++position_; }
  const std::string& value() const override { return texts_[position_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::span<const std::string> texts_;
  std::size_t position_ = 0;
};

[[noreturn]] void refuse(ErrorCode code, const std::string& what) {
  throw Error(code, "[vocabulary] " + what);
}

void check(const VocabularyOptions& options) {
  if (options.pieces <= special_pieces || options.pieces > most_pieces) {
    refuse(ErrorCode::invalid_argument, "expected a size from 4 to " + std::to_string(most_pieces) +
                                            ", got " + std::to_string(options.pieces));
  }
  if (options.longest_piece < 1 || options.longest_piece > longest_piece_limit) {
    refuse(ErrorCode::invalid_argument,
           "expected a longest piece from 1 to 512 characters, got " + std::to_string(options.longest_piece));
  }
  if (options.context_length < 1) {
    refuse(ErrorCode::invalid_argument, "expected a context length of at least 1, got 0");
  }
}

/// Words that the trainer cannot take: it ends the process where a likelihood underflows, and it passes over
/// whole sentences with its own mark for the unknown, U+2585.
bool is_fit(std::string_view word) {
  return word.size() <= longest_word_bytes && word.find("\xE2\x96\x85") == std::string_view::npos;
}

bool has_letter_or_digit(std::string_view word) {
  for (std::size_t i = 0; i < word.size();) {
    const auto c = next_code_point(word, i);
    if (is_letter(c) || is_decimal_digit(c)) return true;
  }
  return false;
}

/// What the trainer reads.
class Corpus {
 public:
  explicit Corpus(std::span<const std::string> texts) {
    std::size_t bytes = 0;
    for (const auto& text : texts) {
      bytes += text.size();
      if (bytes > most_bytes) refuse(ErrorCode::limit, "more than 64 MiB of text");
      add(canonical_siglip_text(text));
    }
    // Without a single one, normalization may leave nothing, and the trainer ends the process.
    if (std::none_of(words_.begin(), words_.end(), has_letter_or_digit)) {
      refuse(ErrorCode::invalid_argument, "there is no word in the texts");
    }
    // SentencePiece finds its candidates in a suffix tree, where a word that only ever precedes a space, or
    // only ever ends a sentence, has no node of its own.
    for (const auto& word : words_) sentences_.push_back(word + ' ' + word);
  }

  std::span<const std::string> sentences() const { return sentences_; }

 private:
  void add(std::string_view text) {
    std::string sentence;
    while (!text.empty()) {
      const auto end = std::min(text.find(' '), text.size());
      const auto word = text.substr(0, end);
      if (is_fit(word)) {
        sentence.append(sentence.empty() ? "" : " ").append(word);
        if (!words_.contains(word)) words_.emplace(word);
      }
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!sentence.empty()) sentences_.push_back(std::move(sentence));
  }

  std::vector<std::string> sentences_;
  std::set<std::string, std::less<>> words_;
};

std::unordered_map<std::string, std::string> trainer_settings(const VocabularyOptions& options) {
  return {
      {"minloglevel", "9"},  // silent
      {"model_type", "unigram"},
      {"vocab_size", std::to_string(options.pieces)},
      {"character_coverage", "1.0"},
      {"normalization_rule_name", "nmt_nfkc"},
      {"num_threads", "1"},
      {"byte_fallback", "false"},
      {"max_sentencepiece_length", std::to_string(options.longest_piece)},
      {"max_sentence_length", std::to_string(1 << 30)},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
  };
}

/// SentencePiece's message without the place in its source.
std::string reason_of(const sentencepiece::util::Status& status) {
  const std::string message = status.message();
  const auto place = message.rfind(")] ");
  return place == std::string::npos ? message : message.substr(place + 3);
}

/// What HF's `SiglipTokenizer` is saved with.
Json tokenizer_config(const VocabularyOptions& options) {
  const auto token = [](const char* content) {
    return Json{{"content", content}, {"lstrip", true},       {"normalized", false},
                {"rstrip", true},     {"single_word", false}, {"special", true}};
  };
  return {{"added_tokens_decoder", {{"1", token("</s>")}, {"2", token("<unk>")}}},
          {"additional_special_tokens", Json::array()},
          {"clean_up_tokenization_spaces", true},
          {"do_lower_case", true},
          {"eos_token", "</s>"},
          {"model_input_names", {"input_ids"}},
          {"model_max_length", options.context_length},
          {"pad_token", "</s>"},
          {"sp_model_kwargs", Json::object()},
          {"tokenizer_class", "SiglipTokenizer"},
          {"unk_token", "<unk>"}};
}

}  // namespace

std::string train_vocabulary(std::span<const std::string> texts, const VocabularyOptions& options) {
  check(options);
  const Corpus corpus(texts);
  Sentences sentences(corpus.sentences());
  std::string model;
  try {
    const auto status =
        sentencepiece::SentencePieceTrainer::Train(trainer_settings(options), &sentences, &model);
    if (!status.ok()) refuse(ErrorCode::invalid_argument, reason_of(status));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    refuse(ErrorCode::invalid_argument, error.what());
  }
  return model;
}

void write_vocabulary(const std::filesystem::path& folder, std::span<const std::string> texts,
                      const VocabularyOptions& options) {
  const auto model = train_vocabulary(texts, options);
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) refuse(ErrorCode::io, folder.string() + ": " + failure.message());
  write_file_atomically(folder / "spiece.model", model);
  write_file_atomically(folder / "tokenizer_config.json", tokenizer_config(options).dump(2) + "\n");
}

}  // namespace beeld
