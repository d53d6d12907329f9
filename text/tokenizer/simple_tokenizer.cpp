#include "text/tokenizer/simple_tokenizer.h"

#include "text/subword/byte_alphabet.h"
#include "text/tokenizer/text_stream.h"

namespace beeld {

namespace {

constexpr std::string_view start_of_text = "<start_of_text>";
constexpr std::string_view end_of_text = "<end_of_text>";

std::int32_t find_either(const Vocabulary& vocabulary, std::string_view name, std::string_view other_name) {
  const auto id = vocabulary.find(name);
  return id != Vocabulary::none ? id : vocabulary.require(other_name);
}

std::string word_pattern() {
  return std::string(start_of_text) + "|" + std::string(end_of_text) + "|" + std::string(clip_words);
}

}  // namespace

SimpleTokenizer::SimpleTokenizer(Vocabulary vocabulary, const Merges& merges, Cleaning cleaning)
    : model_(std::move(vocabulary), merges, {.end_suffix = "</w>"}),
      cleaning_(cleaning),
      words_(word_pattern(), Case::insensitive),
      start_id_(find_either(model_.vocabulary(), start_of_text, "<|startoftext|>")),
      end_id_(find_either(model_.vocabulary(), end_of_text, "<|endoftext|>")),
      decoder_(decode_word_bytes("</w>")) {
  for (const auto& character : byte_alphabet()) {
    model_.vocabulary().require(character);
    model_.vocabulary().require(character + "</w>");
  }
}

std::vector<std::int32_t> SimpleTokenizer::encode_full(std::string_view bytes) const {
  const auto text = clean(bytes, cleaning_);
  std::vector<std::int32_t> ids = {start_id_};
  for (const auto& span : words_.find_all(text)) {
    const auto word = std::string_view(text).substr(span.begin, span.end - span.begin);
    if (word == start_of_text) {
      ids.push_back(start_id_);
    } else if (word == end_of_text) {
      ids.push_back(end_id_);
    } else {
      model_.encode(to_byte_alphabet(word), ids);
    }
  }
  ids.push_back(end_id_);
  return ids;
}

std::unique_ptr<TextStream> SimpleTokenizer::start_decoding(const TextDecoding& options) const {
  const auto find = [this](std::int32_t id) -> std::optional<TokenText> {
    if (!model_.vocabulary().has_id(id)) return std::nullopt;
    return TokenText{model_.vocabulary().piece(id), id == start_id_ || id == end_id_};
  };
  return stream_tokens(decoder_, find, options);
}

Decoder decode_word_bytes(const std::string& end_suffix) {
  Decoder decoder;
  decoder.append(decode_byte_level());
  decoder.append(replace_in_text(end_suffix, " "));
  decoder.append(trim_text());
  return decoder;
}

Vocabulary vocabulary_of_merges(Merges& merges, const std::string& origin) {
  constexpr std::size_t most_merges = 49152 - 256 - 2;  // the published list is longer than what was trained
  if (merges.size() > most_merges) merges.resize(most_merges);
  std::vector<std::string> pieces;
  for (const char* suffix : {"", "</w>"}) {
    for (const auto byte : byte_alphabet_order()) pieces.push_back(byte_alphabet()[byte] + suffix);
  }
  for (const auto& [left, right] : merges) pieces.push_back(left + right);
  pieces.emplace_back(start_of_text);
  pieces.emplace_back(end_of_text);
  return Vocabulary::from_list(pieces, origin);
}

}  // namespace beeld
