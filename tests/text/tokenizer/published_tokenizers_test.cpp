#include <beeld/error.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/shared.h"
#include "tests/support/source_tree.h"
#include "tests/text/tokenizer/streamed.h"
#include "tests/text/tokenizer/tokenizer_folder.h"
#include "text/unicode/unicode.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::shared_folder;
using testing::streamed;
using Ids = std::vector<std::int32_t>;

fs::path published(const std::string& name) { return shared_folder() / "tokenizers" / name; }

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The difficult texts of vectors/texts.inp.
std::vector<std::string> difficult_texts() {
  const std::string line = "\n__ggml_vocab_test__\n";
  const auto all = content_of(published("vectors/texts.inp"));
  std::vector<std::string> texts;
  for (std::size_t start = 0; start < all.size();) {
    const auto end = std::min(all.find(line, start), all.size());
    texts.push_back(all.substr(start, end - start));
    start = end + line.size();
  }
  return texts;
}

/// A folder's name as one of a test.
std::string test_name(std::string folder) {
  std::replace_if(
      folder.begin(), folder.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return folder;
}

/// The ids of a text without the tokens around it.
Ids bare(const Tokenizer& tokenizer, const std::string& text) {
  auto ids = tokenizer.encode_full(text);
  const auto frame = tokenizer.encode_full("");
  const auto before = static_cast<std::ptrdiff_t>(tokenizer.start_tokens());
  const auto after = static_cast<std::ptrdiff_t>(frame.size()) - before;
  return {ids.begin() + before, ids.end() - after};
}

struct Published {
  const char* folder;
  const char* vectors;
};

class PublishedIds : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedIds, AreThoseOfEveryText) {
  const auto [name, vectors] = GetParam();
  BEELD_NEED_SHARED(fs::path("tokenizers") / name);
  BEELD_NEED_SHARED(fs::path("tokenizers/vectors") / vectors);
  const auto tokenizer = load_tokenizer(published(name));
  std::ifstream lines(published("vectors") / vectors);
  std::size_t rows = 0;
  for (const auto& text : difficult_texts()) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << "no row for " << json(text);
    std::istringstream numbers(line);
    const Ids wanted(std::istream_iterator<std::int32_t>(numbers), {});
    EXPECT_EQ(bare(*tokenizer, text), wanted) << json(text);
    ++rows;
  }
  EXPECT_GT(rows, 40u);
}

INSTANTIATE_TEST_SUITE_P(Vectors, PublishedIds,
                         ::testing::Values(Published{"gpt2", "gpt-2.out"},
                                           Published{"bert-uncased", "bert-bge.out"},
                                           Published{"minilm", "bert-bge.out"}),
                         [](const auto& test) { return test_name(test.param.folder); });

// A few rows of what llama.cpp publishes for the same texts.
TEST(PublishedTokenizers, LlamaKeepsSpacesAndFallsBackToBytes) {
  BEELD_NEED_SHARED("tokenizers/llama2");
  const auto tokenizer = load_tokenizer(published("llama2"));
  EXPECT_EQ(tokenizer->encode_full(" Hello World!"), (Ids{1, 29871, 15043, 2787, 29991}));
  EXPECT_EQ(bare(*tokenizer, "ied 4 \u00BD months"), (Ids{474, 287, 29871, 29946, 29871, 30226, 7378}));
  EXPECT_EQ(bare(*tokenizer, "  "), (Ids{1678}));
  EXPECT_EQ(bare(*tokenizer, "\t\n"), (Ids{29871, 12, 13}));
  EXPECT_EQ(bare(*tokenizer, " this is \U0001F999.cpp"),
            (Ids{29871, 445, 338, 29871, 243, 162, 169, 156, 29889, 8223}));
  EXPECT_EQ(bare(*tokenizer, "333"), (Ids{29871, 29941, 29941, 29941}));
  EXPECT_EQ(bare(*tokenizer, "a</s>b"), (Ids{263, 2, 289}));  // legacy: a space before every part
}

TEST(PublishedTokenizers, RobertaCutsAsGpt2AndHasItsOwnIds) {
  BEELD_NEED_SHARED("tokenizers/roberta");
  const auto roberta = load_tokenizer(published("roberta"));
  const auto gpt2 = load_tokenizer(published("gpt2"));
  EXPECT_EQ(roberta->encode_full("Hello world"), (Ids{0, 31414, 232, 2}));
  EXPECT_EQ(roberta->encode_full("a <mask>"), (Ids{0, 102, 50264, 2}));
  EXPECT_EQ(roberta->pad_id(), 1);
  for (const auto& text : difficult_texts()) {
    const auto ids = bare(*roberta, text);
    const auto others = bare(*gpt2, text);
    ASSERT_EQ(ids.size(), others.size()) << json(text);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(roberta->decode({&ids[i], 1}), gpt2->decode({&others[i], 1})) << json(text);
    }
  }
}

TEST(PublishedTokenizers, T5AndMarianEndTheirTexts) {
  BEELD_NEED_SHARED("tokenizers/t5");
  const auto t5 = load_tokenizer(published("t5"));
  EXPECT_EQ(t5->encode_full("translate English to German: The house is wonderful."),
            (Ids{13959, 1566, 12, 2968, 10, 37, 629, 19, 1627, 5, 1}));
  EXPECT_EQ(t5->encode_full("a <extra_id_0> b</s>"), (Ids{3, 9, 32099, 3, 115, 1}));
  EXPECT_EQ(t5->vocabulary_size(), 32100u);
  const auto marian = load_tokenizer(published("marian-fr-en"));
  EXPECT_EQ(marian->encode_full("").size(), 1u);
  EXPECT_EQ(marian->encode_full("un chat").back(), marian->encode_full("").back());
  EXPECT_EQ(marian->decode(marian->encode_full("Bonjour le monde , \u00E7a va ?")),
            "Bonjour le monde , \u00E7a va ?");
}

TEST(PublishedTokenizers, DecodeIsExactWhereNothingIsNormalized) {
  BEELD_NEED_SHARED("tokenizers/vectors");
  for (const char* name : {"gpt2", "roberta", "llama2"}) {
    const auto tokenizer = load_tokenizer(published(name));
    for (const auto& text : difficult_texts()) {
      const auto ids = tokenizer->encode_full(text);
      EXPECT_EQ(tokenizer->decode(ids), text) << name;
      EXPECT_EQ(streamed(*tokenizer, ids), text) << name;
    }
  }
}

/// What is lost is lost once: the text that comes back stays. In WordPiece and CLIP accents or spaces around
/// punctuation are lost, in all of these runs of spaces.
TEST(PublishedTokenizers, DecodeGivesTheNormalizedText) {
  BEELD_NEED_SHARED("tokenizers/vectors");
  const std::pair<const char*, const char*> kinds[] = {
      {"bert-uncased", "the cat ' s 2 dogs, it isn ' t fer"},
      {"minilm", "the cat ' s 2 dogs, it isn ' t fer"},
      {"clip", "the cat 's 2 dogs , it isn 't f\u00E9r"},
      {"t5", "The cat's 2 dogs, it isn't f\u00E9r"},
      {"marian-fr-en", "The cat's 2 dogs, it isn't f\u00E9r"}};
  for (const auto& [name, wanted] : kinds) {
    const auto tokenizer = load_tokenizer(published(name));
    const auto decoded = [&](const std::string& text) {
      return tokenizer->decode(tokenizer->encode_full(text));
    };
    EXPECT_EQ(decoded(" The  cat's 2 dogs, it isn't f\u00E9r "), wanted) << name;
    EXPECT_EQ(decoded(wanted), wanted) << name;
    for (const auto& text : difficult_texts()) {
      const auto ids = tokenizer->encode_full(text);
      for (const auto special : {SpecialTokens::skip, SpecialTokens::keep}) {
        EXPECT_EQ(streamed(*tokenizer, ids, {special}), tokenizer->decode(ids, {special}))
            << name << json(text);
      }
    }
  }
}

TEST(PublishedTokenizers, SiglipTakesItsFirstSpaceBack) {
  const auto tokenizer = load_tokenizer(testing::source_folder() / "data/model");
  const auto ids = tokenizer->encode_full("Two dogs,  in the snow!");
  EXPECT_EQ(tokenizer->decode(ids), "two dogs in the snow");
  EXPECT_EQ(streamed(*tokenizer, ids), "two dogs in the snow");
  EXPECT_EQ(tokenizer->decode(ids, {SpecialTokens::keep}), "two dogs in the snow</s>");
}

TEST(PublishedTokenizers, ClipCaptionsDecodeToTextWithTheSameIds) {
  BEELD_NEED_SHARED("tokenizers/clip");
  const auto tokenizer = load_tokenizer(published("clip"));
  std::ifstream stream(published("clip/coco_captions.jsonl"));
  std::size_t rows = 0;
  for (std::string line; std::getline(stream, line); ++rows) {
    const auto row = json::parse(line);
    const auto ids = row["ids"].get<Ids>();
    const auto text = tokenizer->decode(ids);
    EXPECT_EQ(tokenizer->encode_full(text), ids) << line;
    EXPECT_EQ(streamed(*tokenizer, ids), text) << line;
  }
  EXPECT_EQ(rows, 2500u);
}

/// Checks one row of a case's expected tokens or generation.
void check_row(const Tokenizer& tokenizer, const json& row, const std::string& where) {
  const auto check_decode = [&](const char* ids_key, const char* text_key) {
    if (!row.contains(ids_key) || !row.contains(text_key)) return;
    auto ids = row[ids_key];
    if (!ids.empty() && ids[0].is_array()) ids = ids[0];  // the best beam
    const auto sequence = ids.get<Ids>();
    EXPECT_EQ(tokenizer.decode(sequence), row[text_key].get<std::string>()) << where << row.dump();
    EXPECT_EQ(streamed(tokenizer, sequence), row[text_key].get<std::string>()) << where << row.dump();
  };
  check_decode("input_ids", "decoded");
  check_decode("greedy_sequence", "greedy_text");
  check_decode("beam4_sequences", "beam4_text");
  check_decode("generated_ids", "generated_text");
}

Ids encoded(const Tokenizer& tokenizer, const json& row) {
  for (const char* key : {"expanded_prompt", "prompt", "text"}) {
    if (row.contains(key) && row[key].is_string()) return tokenizer.encode_full(row[key].get<std::string>());
  }
  return {};
}

/// Every case that has a tokenizer and expected ids.
class ConformanceTexts : public ::testing::TestWithParam<const char*> {};

TEST_P(ConformanceTexts, AreEncodedAndDecoded) {
  const auto family = fs::path("conformance") / GetParam();
  BEELD_NEED_SHARED(family);
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(shared_folder() / family)) {
    const auto name = entry.path().filename();
    if (name != "tokens.json" && name != "generation.json") continue;
    const auto tokenizer = load_tokenizer(entry.path().parent_path().parent_path());
    // The processor of PaliGemma writes <bos> into the prompt itself.
    const bool in_prompt = entry.path().string().find("paligemma") != std::string::npos;
    ++files;
    for (const auto& row : json::parse(content_of(entry.path()))) {
      const auto where = entry.path().string() + " ";
      check_row(*tokenizer, row, where);
      const char* const key = row.contains("ids_full") ? "ids_full" : "input_ids";
      auto wanted = row.contains(key) ? row[key].get<Ids>() : Ids{};
      auto ids = encoded(*tokenizer, row);
      if (wanted.empty() || ids.empty()) continue;  // a pair of texts
      if (in_prompt) ids.erase(ids.begin());
      if (ids.size() > wanted.size()) ids = tokenizer->encode(row["text"].get<std::string>());
      ids.resize(std::max(ids.size(), wanted.size()), tokenizer->pad_id());
      EXPECT_EQ(streamed(*tokenizer, ids), tokenizer->decode(ids)) << where << row.dump();
      EXPECT_EQ(ids, wanted) << where << row.dump();
    }
  }
  EXPECT_GT(files, 0u);
}

/// The files that came before tokenizer.json say the same, but for bytes that are no character: SentencePiece
/// makes one U+FFFD of each, ByteFallback of all bytes in a row with it.
class OlderFiles : public ::testing::TestWithParam<const char*> {};

TEST_P(OlderFiles, GiveTheSameIdsAndTexts) {
  const std::string name = GetParam();
  const auto origin = fs::path("conformance") / name;
  BEELD_NEED_SHARED(origin);
  const testing::TokenizerFolder folder{};
  for (const auto& entry : fs::directory_iterator(shared_folder() / origin)) {
    const auto file = entry.path().filename();
    if (!entry.is_regular_file() || file == "tokenizer.json" || file.extension() == ".safetensors") continue;
    folder.write(file.string(), content_of(entry.path()));
  }
  const auto tokenizer = load_tokenizer(folder.path());
  const auto whole = load_tokenizer(shared_folder() / origin);
  for (const char* file : {"tokens.json", "generation.json"}) {
    const auto path = shared_folder() / origin / "expected" / file;
    if (!fs::exists(path)) continue;
    for (const auto& row : json::parse(content_of(path))) {
      auto ids = encoded(*tokenizer, row);
      if (name.find("paligemma") != std::string::npos) ids.erase(ids.begin());
      if (row.contains("slow_tokenizer_differs")) {
        EXPECT_EQ(ids, row["slow_tokenizer_differs"].get<Ids>()) << row.dump();
        continue;
      }
      if (row.contains("input_ids")) {
        EXPECT_EQ(ids, row["input_ids"].get<Ids>()) << row.dump();
      }
      if (row.dump().find("\uFFFD") == std::string::npos) check_row(*tokenizer, row, name + " ");
      EXPECT_EQ(tokenizer->decode(ids), whole->decode(ids)) << row.dump();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, OlderFiles,
                         ::testing::Values("decoder/llama/public", "decoder/phi3/public",
                                           "decoder/qwen2/public", "gpt2/public", "caption/blip_public",
                                           "caption/vitgpt2_public", "vlm/llava/public",
                                           "vlm/paligemma/public"),
                         [](const auto& test) { return test_name(test.param); });

INSTANTIATE_TEST_SUITE_P(Families, ConformanceTexts,
                         ::testing::Values("bert", "blip_itm", "caption", "chinese_clip", "clip", "clipseg",
                                           "coca", "decoder", "eva_clip", "gpt2", "m_clip", "marian",
                                           "mobileclip", "open_clip", "open_clip_hf", "open_clip_rn",
                                           "owlvit", "pickle/hf_zip", "pickle/open_clip_bin", "siglip",
                                           "siglip2", "t5", "timm_vit_extra/public_siglip", "vlm"),
                         [](const auto& test) { return test_name(test.param); });

}  // namespace
}  // namespace beeld
