#include <beeld/error.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"
#include "tests/text/tokenizer/tokenizer_folder.h"
#include "text/subword/byte_alphabet.h"

namespace beeld {
namespace {

using nlohmann::json;
using testing::TokenizerFolder;
using Ids = std::vector<std::int32_t>;

constexpr std::int32_t start = 514;
constexpr std::int32_t end = 515;

/// CLIP's layout with two merges: 0 to 255 bytes, 256 to 511 bytes that end a word, 512 "ca", 513 "cat</w>".
const char* const clip_merges = "#version: 0.2\nc a\nca t</w>\n";

json clip_vocabulary(const char* start_text = "<|startoftext|>", const char* end_text = "<|endoftext|>") {
  json vocabulary;
  int id = 0;
  for (const char* suffix : {"", "</w>"}) {
    for (const auto byte : byte_alphabet_order()) vocabulary[byte_alphabet()[byte] + suffix] = id++;
  }
  for (const char* piece : {"ca", "cat</w>", start_text, end_text}) vocabulary[piece] = id++;
  return vocabulary;
}

std::int32_t id_of(const std::string& piece) { return clip_vocabulary()[piece].get<std::int32_t>(); }

std::string open_clip_config(const json& text) { return json{{"model_cfg", {{"text_cfg", text}}}}.dump(); }

TEST(ClipTokenizer, ReadsVocabularyAndMerges) {
  const TokenizerFolder folder{{"vocab.json", clip_vocabulary().dump()}, {"merges.txt", clip_merges}};
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_full("a CAT's"),
            (Ids{start, id_of("a</w>"), 513, id_of("'"), id_of("s</w>"), end}));
  EXPECT_EQ(tokenizer->encode_full("cat<|endoftext|>"), (Ids{start, 513, end, end}));
  EXPECT_EQ(tokenizer->encode_full("<|STARTOFTEXT|>"), (Ids{start, start, end}));  // found after lower-casing
  EXPECT_EQ(tokenizer->encode_full("&amp;"),
            (Ids{start, id_of("&</w>"), id_of("a"), id_of("m"), id_of("p</w>"), id_of(";</w>"), end}));
  EXPECT_EQ(tokenizer->encode_full("\u03A3"), tokenizer->encode_full("\u03C3"));
  EXPECT_EQ(tokenizer->encode_full(""), (Ids{start, end}));
  EXPECT_EQ(tokenizer->pad_id(), end);
}

TEST(OpenClipTokenizer, CleansAndPadsWithZero) {
  const TokenizerFolder folder{{"vocab.json", clip_vocabulary().dump()},
                               {"merges.txt", clip_merges},
                               {"open_clip_config.json", open_clip_config({{"context_length", 8}})}};
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_EQ(tokenizer->context_length(), 8u);
  EXPECT_EQ(tokenizer->encode_full("A &amp;amp; cat"),
            (Ids{start, id_of("a</w>"), id_of("&</w>"), 513, end}));
  EXPECT_EQ(tokenizer->encode_full("<end_of_text>cat"), (Ids{start, end, 513, end}));
  EXPECT_EQ(tokenizer->encode_full("\u201Ccat\u201D"),
            (Ids{start, id_of("\"</w>"), 513, id_of("\"</w>"), end}));
  EXPECT_EQ(tokenizer->encode("cat cat cat cat cat cat cat cat"),
            (Ids{start, 513, 513, 513, 513, 513, 513, end}));
}

TEST(OpenClipTokenizer, DerivesTheVocabularyFromMerges) {
  const TokenizerFolder folder{{"merges.txt", clip_merges}, {"open_clip_config.json", open_clip_config({})}};
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->context_length(), 77u);
  EXPECT_EQ(tokenizer->encode_full("a cat"), (Ids{start, id_of("a</w>"), 513, end}));
}

TEST(OpenClipTokenizer, HonoursItsOptions) {
  const auto ids = [](const json& options, const char* text) {
    const TokenizerFolder folder{
        {"merges.txt", clip_merges},
        {"open_clip_config.json", open_clip_config({{"tokenizer_kwargs", options}})}};
    return load_tokenizer(folder.path())->encode_full(text);
  };
  EXPECT_EQ(ids({{"clean", "whitespace"}}, " A"), (Ids{start, id_of("A</w>"), end}));
  EXPECT_EQ(ids({{"clean", "canonicalize"}}, "A_(cat)."), (Ids{start, id_of("a</w>"), 513, end}));
  testing::expect_error(ErrorCode::unsupported, "a cleaning \"other\"", [&] {
    ids({{"clean", "other"}}, "a");
  });
  testing::expect_error(ErrorCode::unsupported, "\"reduction_mask\" is \"simple\"", [&] {
    ids({{"reduction_mask", "simple"}}, "a");
  });
  testing::expect_error(ErrorCode::unsupported, "unknown setting \"unheard_of\"", [&] {
    ids({{"unheard_of", 1}}, "a");
  });
}

json word_piece_json() {
  const json vocabulary = {{"[PAD]", 0}, {"[UNK]", 1}, {"[CLS]", 2}, {"[SEP]", 3},
                           {"a", 4},     {"cat", 5},   {"A", 6}};
  return {{"version", "1.0"},
          {"added_tokens", json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"vocab", vocabulary},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100}}}};
}

TEST(OpenClipTokenizer, WrapsTokenizersOfHuggingFace) {
  const json text = {{"hf_tokenizer_name", "some/name"}, {"context_length", 5}};
  const TokenizerFolder folder{{"tokenizer.json", word_piece_json().dump()},
                               {"open_clip_config.json", open_clip_config(text)}};
  auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_full(" A &amp;amp;  cat"), (Ids{2, 6, 1, 5, 3}));
  EXPECT_EQ(tokenizer->encode("a a a a a a"), (Ids{2, 4, 4, 4, 3}));
  auto stripped = text;
  stripped["tokenizer_kwargs"] = {{"clean", "lower"}, {"strip_sep_token", true}};
  folder.write("open_clip_config.json", open_clip_config(stripped));
  EXPECT_EQ(load_tokenizer(folder.path())->encode_full("A cat"), (Ids{2, 4, 5, 0}));
  stripped["tokenizer_mode"] = "clips";
  folder.write("open_clip_config.json", open_clip_config(stripped));
  testing::expect_error(ErrorCode::unsupported, "\"tokenizer_mode\" is \"clips\"",
                        [&] { load_tokenizer(folder.path()); });
}

TEST(BertTokenizer, ReadsAVocabularyFile) {
  const TokenizerFolder folder{
      {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncafe\nCaf\u00E9\n,\n\u732B\n##s\n"}};
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_full("Caf\u00E9s,\u732B\u732B"), (Ids{2, 5, 9, 7, 8, 8, 3}));
  EXPECT_EQ(tokenizer->encode_full("[MASK]\x01[mask]"), (Ids{2, 4, 1, 1, 1, 3}));
  EXPECT_EQ(tokenizer->pad_id(), 0);
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer", "do_lower_case": false})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode_full("Cafe\u0301"), (Ids{2, 6, 3}));  // composed first
  folder.write(
      "tokenizer_config.json",
      R"({"tokenizer_class": "BertTokenizer", "strip_accents": false, "tokenize_chinese_chars": false})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode_full("caf\u00E9 \u732B\u732B"), (Ids{2, 1, 1, 3}));
  folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n");
  testing::expect_error(ErrorCode::corrupt, "has no piece \"[SEP]\"", [&] { load_tokenizer(folder.path()); });
}

/// A field of a protocol buffer message: length-delimited.
std::string field(int number, const std::string& content) {
  std::string result = {static_cast<char>(number << 3 | 2), static_cast<char>(content.size())};
  return result + content;
}

/// ModelProto with unigram pieces: id 0 <pad>, 1 </s>, 2 <unk>, then normal pieces with their scores.
std::string sentence_piece_model() {
  const auto piece = [](const std::string& text, float score, char type) {
    std::string message = field(1, text) + '\x15';
    message.append(reinterpret_cast<const char*>(&score), 4);
    return field(1, message + '\x18' + type);
  };
  std::string model = piece("<pad>", 0, 3) + piece("</s>", 0, 3) + piece("<unk>", 0, 2);
  for (const char* text : {"\u2581", "a", "c", "t",
                           "\u2581"
                           "a",
                           "\u2581"
                           "cat",
                           "k", "n"}) {
    model += piece(text, text[0] == '\xE2' ? -1 : -3, 1);
  }
  // trainer_spec: unigram, ids of the control pieces; normalizer_spec: identity, single spaces.
  model += field(2, std::string("\x18\x01\xC0\x02\x02\xC8\x02\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 17) +
                        std::string("\xD0\x02\x01\xD8\x02\x00", 6));
  return model + field(3, field(1, "identity") + "\x18\x01\x20\x01\x28\x01");
}

TEST(SiglipTokenizer, CanonicalizesAndAppendsTheEnd) {
  const TokenizerFolder folder{
      {"spiece.model", sentence_piece_model()},
      {"tokenizer_config.json", R"({"tokenizer_class": "SiglipTokenizer", "model_max_length": 4})"}};
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_full("A, cat!"), (Ids{7, 8, 1}));
  EXPECT_EQ(tokenizer->encode_full("a \n\t cat "), (Ids{7, 8, 1}));
  EXPECT_EQ(tokenizer->encode_full(" a"), (Ids{3, 7, 1}));   // as the reference, which puts a space before it
  EXPECT_EQ(tokenizer->encode_full("a </s>"), (Ids{7, 1}));  // the end is not appended twice
  EXPECT_EQ(tokenizer->encode_full("xyz"), (Ids{3, 2, 1}));  // unknown characters are one
  EXPECT_EQ(tokenizer->encode_full(""), (Ids{1}));
  EXPECT_EQ(tokenizer->encode("a a a a a"), (Ids{7, 7, 7, 1}));
  EXPECT_EQ(tokenizer->pad_id(), 1);
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "SiglipTokenizer", "do_lower_case": false})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode_full("A"), (Ids{3, 2, 1}));
}

TEST(SiglipTokenizer, TakesLongTextsInLittleTime) {
  const TokenizerFolder folder{{"spiece.model", sentence_piece_model()}};
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode_full(std::string(300000, '\0')).back(), 1);
  std::string text;
  Ids wanted;
  for (int i = 0; i < 50000; ++i) {
    text += "a cat ";
    wanted.insert(wanted.end(), {7, 8});
  }
  wanted.push_back(1);
  EXPECT_EQ(tokenizer->encode_full(text), wanted);
}

TEST(SiglipTokenizer, SurvivesDamagedModels) {
  const auto model = sentence_piece_model();
  const TokenizerFolder folder{};
  for (std::size_t i = 0; i < model.size(); ++i) {
    auto damaged = model;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    for (const auto& content : {damaged, model.substr(0, i)}) {
      folder.write("spiece.model", content);
      try {
        static_cast<void>(load_tokenizer(folder.path())->encode("a cat, </s> xyz"));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
      }
    }
  }
}

TEST(LoadTokenizer, NamesWhatIsMissing) {
  const TokenizerFolder folder{};
  const auto code = [&] {
    try {
      load_tokenizer(folder.path());
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::io;
  };
  EXPECT_EQ(code(), ErrorCode::not_found);
  folder.write("open_clip_config.json", open_clip_config({}));
  EXPECT_EQ(code(), ErrorCode::not_found);
  folder.write("merges.txt", "a b c\n");
  EXPECT_EQ(code(), ErrorCode::corrupt);
  folder.write("merges.txt", "\xFF \xFE\n");
  EXPECT_EQ(code(), ErrorCode::corrupt);
  folder.write("merges.txt", "x y\nx y\n");
  EXPECT_EQ(code(), ErrorCode::corrupt);
  folder.write("open_clip_config.json", "[]");
  EXPECT_EQ(code(), ErrorCode::corrupt);
}

TEST(LoadTokenizer, NamesTheDamagedFile) {
  const auto expect_refused = [](const TokenizerFolder& folder, const std::string& file) {
    try {
      load_tokenizer(folder.path());
      ADD_FAILURE() << "accepted a damaged " << file;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
      EXPECT_NE(std::string(error.what()).find((folder / file).string()), std::string::npos) << error.what();
    }
  };
  const std::string bert = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n", clip = clip_vocabulary().dump();
  for (const std::string& text : {std::string(), std::string("[UNK]\n"), bert + "\xFF\n"})
    expect_refused({{"vocab.txt", text}}, "vocab.txt");
  for (const char* text : {"", "{", "[]", "7", R"({"!":"0"})", R"({"!":-1})", R"({"!":4000000000})",
                           R"({"a":0,"b":0})", R"({"a":0})", "{\"\xFF\":0}"})
    expect_refused({{"vocab.json", text}, {"merges.txt", clip_merges}}, "vocab.json");
  for (const char* text : {"a b c\n", "a\n", "\xFF \xFE\n"})
    expect_refused({{"vocab.json", clip}, {"merges.txt", text}}, "merges.txt");
  for (const char* text :
       {"", "[]", R"({"model_max_length":"x"})", R"({"eos_token":[1]})", "{\"a\":\"\xFF\"}"})
    expect_refused({{"vocab.txt", bert}, {"tokenizer_config.json", text}}, "tokenizer_config.json");
  for (const std::string& text : {std::string("{"), std::string(1000, '['), std::string(R"({"model":[]})")})
    expect_refused({{"tokenizer.json", text}}, "tokenizer.json");
}

TEST(LoadTokenizer, AcceptsAnyBytes) {
  const TokenizerFolder clip{{"vocab.json", clip_vocabulary().dump()}, {"merges.txt", clip_merges}};
  const TokenizerFolder open_clip{{"merges.txt", clip_merges},
                                  {"open_clip_config.json", open_clip_config({})}};
  const TokenizerFolder bert{{"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"}};
  std::string bytes;
  for (int i = 0; i < 512; ++i) bytes += static_cast<char>(i * 7 % 256);
  for (const auto* folder : {&clip, &open_clip, &bert}) {
    const auto tokenizer = load_tokenizer(folder->path());
    const auto ids = tokenizer->encode_full(bytes);
    EXPECT_GT(ids.size(), 2u);
    for (const auto id : ids) EXPECT_LT(static_cast<std::size_t>(id), tokenizer->vocabulary_size());
    EXPECT_EQ(tokenizer->encode_full("\xFF"), tokenizer->encode_full("\uFFFD"));
  }
}

}  // namespace
}  // namespace beeld
