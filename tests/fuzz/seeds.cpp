// Writes undamaged files for every fuzzer to begin with: FOLDER/TARGET/NAME.
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/format/npy.h"
#include "tests/fuzz/input.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/tar.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/torch_files.h"
#include "tests/support/weight_files.h"

using namespace beeld;
namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream << content;
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) all += fuzz::separator + parts[i];
  return all;
}

void write_tensor_files(const fs::path& folder) {
  testing::StoredTensors tensors{{"matrix", testing::random_stored({3, 2}, 1)},
                                 {"vector", testing::random_stored({5}, 2)},
                                 {"scalar", testing::random_stored({}, 3)},
                                 {"empty", testing::random_stored({0, 4}, 4)}};
  fs::create_directories(folder / "safetensors");
  for (const auto type : {DType::f32, DType::f16, DType::bf16})
    testing::write_tensors(folder / "safetensors" / std::string(name_of(type)), tensors, type);
  fs::create_directories(folder / "npy");
  Matrix matrix(2, 3);
  write_npy(folder / "npy" / "matrix", matrix);
  write_npy(folder / "npy" / "empty", Matrix(0, 3));
}

void write_pickles(const fs::path& folder) {
  using namespace testing::pickled;
  const testing::StoredTensors tensors{{"module.matrix", testing::random_stored({3, 2}, 1)},
                                       {"module.scalar", testing::random_stored({}, 3)},
                                       {"module.empty", testing::random_stored({0, 4}, 4)}};
  using Form = testing::TorchForm;
  for (const auto& [name, form] : {std::pair{"archive", Form::archive},
                                   {"zip64", Form::archive_zip64},
                                   {"stream", Form::stream},
                                   {"script", Form::script}})
    write(folder / name, testing::torch_bytes(tensors, DType::f16, form));

  const auto shared = storage("FloatStorage", "0", 12);
  const auto weights = ordered_dict({{"transposed", tensor(shared, {0, {4, 3}, {1, 4}})},
                                     {"expanded", tensor(shared, {5, {2, 3}, {0, 0}})},
                                     {"parameter", parameter(tensor(shared, {1, {2, 2}, {8, 2}}))}}) +
                       dict({{"_metadata", dict({{"version", integer(1)}})}}) + 'b';
  const auto training =
      dict({{"epoch", integer(100'000)}, {"state_dict", weights}, {"name", "N"}, {"list", list({"\x88"})}});
  write(folder / "training", testing::torch_archive(whole(training), {{"0", std::string(48, 'x')}}));
  const auto part = stream_storage("LongStorage", "7", 4, tuple({text("root"), integer(1), integer(2)}));
  write(folder / "parts", testing::torch_stream(whole(dict({{"a", tensor(part, {0, {2}, {1}})}})),
                                                {{"7", 4, std::string(32, 'x')}}));
}

void write_pictures(const fs::path& folder) {
  const auto picture = testing::wave_picture(9, 7, 1);
  write(folder / "wave.ppm", testing::ppm_bytes(picture));
  write(folder / "wave.bmp", testing::bmp_bytes(picture));
  write(folder / "wave.png", testing::png_bytes(picture));
  // The formats that tests/support does not write.
  for (const auto* more : {"pictures", "formats"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(BEELD_SOURCE_DIR "/tests/vision/decode") / more))
      if (entry.path().extension() != ".tsv")
        write(folder / entry.path().filename(), content_of(entry.path()));
  }
}

/// For a decoder alone and for what is read beside the pixels: files by their extensions, of the source tree
/// and of the shared folder. Large ones would only slow the fuzzer down.
void write_pictures_of(const fs::path& folder, const std::string& target, const std::string& extensions) {
  constexpr std::uintmax_t most_bytes = 64 << 10;
  const fs::path from[] = {BEELD_SOURCE_DIR "/tests/vision/decode",
                           testing::shared_folder() / "photos/formats", testing::shared_folder() / "bugs"};
  for (const auto& root : from) {
    if (!fs::is_directory(root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const auto extension = entry.path().extension().string() + " ";
      if (entry.is_regular_file() && extension.size() > 1 &&
          extensions.find(extension) != std::string::npos && entry.file_size() <= most_bytes)
        write(folder / target / entry.path().filename(), content_of(entry.path()));
    }
  }
}

void write_archives(const fs::path& folder) {
  const auto picture = testing::png_bytes(testing::wave_picture(4, 4, 1));
  const auto sample = testing::tar_entry("a/0.png", picture) + testing::tar_entry("a/0.txt", "a wave\n");
  write(folder / "captions", sample + testing::tar_end());
  write(folder / "labels", testing::tar_entry("1.jpg", "x") + testing::tar_entry("1.cls", "3\n") +
                               testing::tar_entry("2.jpg", "y") + testing::tar_end());
}

std::string tokenizer_json(const nlohmann::json& model, const nlohmann::json& normalizer,
                           const nlohmann::json& pre_tokenizer) {
  const nlohmann::json special = {{"id", 0},        {"content", "[UNK]"}, {"single_word", false},
                                  {"lstrip", true}, {"rstrip", false},    {"normalized", false},
                                  {"special", true}};
  const nlohmann::json post = {{"type", "TemplateProcessing"},
                               {"single", {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
                               {"pair", nlohmann::json::array()},
                               {"special_tokens", nlohmann::json::object()}};
  const nlohmann::json file = {{"version", "1.0"},         {"added_tokens", {special}},
                               {"normalizer", normalizer}, {"pre_tokenizer", pre_tokenizer},
                               {"post_processor", post},   {"model", model}};
  return joined({file.dump(), "a dog [UNK] runs"});
}

void write_tokenizer_json(const fs::path& folder) {
  const nlohmann::json pieces = {{"[UNK]", 0}, {"a", 1},  {"d", 2}, {"##o", 3},
                                 {"##g", 4},   {"do", 5}, {"g", 6}};
  write(folder / "word_piece",
        tokenizer_json({{"type", "WordPiece"},
                        {"unk_token", "[UNK]"},
                        {"continuing_subword_prefix", "##"},
                        {"max_input_chars_per_word", 100},
                        {"vocab", pieces}},
                       {{"type", "BertNormalizer"}, {"lowercase", true}, {"clean_text", true}},
                       {{"type", "BertPreTokenizer"}}));
  write(
      folder / "byte_pair",
      tokenizer_json(
          {{"type", "BPE"},
           {"unk_token", "[UNK]"},
           {"fuse_unk", true},
           {"byte_fallback", false},
           {"vocab", {{"[UNK]", 0}, {"a", 1}, {"d", 2}, {"o", 3}, {"do", 4}}},
           {"merges", {"d o"}}},
          {{"type", "Sequence"},
           {"normalizers",
            {{{"type", "NFKC"}}, {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}}}}},
          {{"type", "Split"},
           {"pattern", {{"Regex", "\\p{L}+|\\s"}}},
           {"behavior", "Isolated"},
           {"invert", false}}));
  write(
      folder / "unigram",
      tokenizer_json({{"type", "Unigram"},
                      {"unk_id", 0},
                      {"vocab", {{"[UNK]", 0.0}, {"a", -1.5}, {"do", -2.0}, {"g", -3.0}}}},
                     {{"type", "Lowercase"}},
                     {{"type", "Metaspace"}, {"replacement", "\xe2\x96\x81"}, {"prepend_scheme", "always"}}));
}

/// A vocabulary of all sorts of pieces, the decoders of the published kinds, and ids, a byte each.
void write_decoders(const fs::path& folder) {
  const std::vector<std::string> pieces = {"[UNK]",
                                           "a",
                                           "##b",
                                           "\xe2\x96\x81",
                                           "\xe2\x96\x81"
                                           "a",
                                           "c</w>",
                                           ".",
                                           "'s",
                                           "<0xE2>",
                                           "<0x82>",
                                           "<0xAC>",
                                           "\xc4\xa0"
                                           "a",
                                           "\xc3\xa2",
                                           "\xc4\xa4",
                                           "\xc2\xac"};
  nlohmann::json vocabulary;
  for (const auto& piece : pieces) vocabulary[piece] = vocabulary.size();
  const nlohmann::json spaces = {
      {"type", "Replace"}, {"pattern", {{"String", "\xe2\x96\x81"}}}, {"content", " "}};
  const nlohmann::json llama = {spaces,
                                {{"type", "ByteFallback"}},
                                {{"type", "Fuse"}},
                                {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}};
  const nlohmann::json regex = {{"type", "Replace"}, {"pattern", {{"Regex", "[a-c]"}}}, {"content", "x"}};
  const std::pair<const char*, nlohmann::json> decoders[] = {
      {"byte_level", {{"type", "ByteLevel"}}},
      {"word_piece", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"metaspace", {{"type", "Metaspace"}, {"replacement", "\xe2\x96\x81"}, {"prepend_scheme", "always"}}},
      {"llama", {{"type", "Sequence"}, {"decoders", llama}}},
      {"bpe", {{"type", "BPEDecoder"}, {"suffix", "</w>"}}},
      {"regex", regex},
      {"none", nullptr}};
  for (const auto& [name, decoder] : decoders) {
    const nlohmann::json token = {{"id", 0}, {"content", "[UNK]"}, {"special", true}};
    const nlohmann::json file = {
        {"added_tokens", {token}},
        {"decoder", decoder},
        {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", nlohmann::json::array()}}}};
    write(folder / name,
          joined({file.dump(), "\x04\x01\x02\x03\x05\x06\x07\x0b\x0c\x0d\x0e\x08\x09\x0a\x08\x01"}));
  }
}

/// A field of a protocol buffer message: bytes of fewer than 128.
std::string field(int number, const std::string& content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} + content;
}

void write_sentence_piece(const fs::path& folder) {
  const std::vector<std::pair<std::string, int>> pieces = {
      {"<unk>", 2}, {"<s>", 3}, {"</s>", 3}, {"\xe2\x96\x81", 1}, {"a", 1}, {"do", 1}, {"g", 1}};
  std::string model;
  for (const auto& [text, type] : pieces) {
    const std::string score("\x15\x00\x00\x80\xbf", 5);  // -1
    model += field(1, field(1, text) + score + "\x18" + static_cast<char>(type));
  }
  model += field(2, "\x18\x01");                         // a unigram model
  model += field(3, field(1, "identity") + "\x18\x01");  // with a space put before a text
  write(folder / "unigram", joined({"a dog", model}));
  write(folder / "published", joined({"a dog", content_of(BEELD_SOURCE_DIR "/data/model/spiece.model")}));
}

void write_open_clip(const fs::path& folder) {
  const nlohmann::json vision = {{"image_size", 32}, {"layers", 2}, {"width", 64}, {"patch_size", 16}};
  const nlohmann::json timm = {{"timm_model_name", "vit_tiny_patch16_224"},
                               {"timm_pool", "token"},
                               {"timm_proj", "linear"},
                               {"image_size", 224}};
  const nlohmann::json text = {
      {"context_length", 77}, {"vocab_size", 100}, {"width", 64}, {"heads", 2}, {"layers", 2}};
  const nlohmann::json picture = {{"mean", {0.5, 0.5, 0.5}},
                                  {"std", {0.5, 0.5, 0.5}},
                                  {"interpolation", "bicubic"},
                                  {"resize_mode", "shortest"}};
  for (const auto& [name, tower] : {std::pair{"own", vision}, {"timm", timm}}) {
    const nlohmann::json model = {
        {"embed_dim", 64}, {"quick_gelu", true}, {"vision_cfg", tower}, {"text_cfg", text}};
    write(folder / name, nlohmann::json({{"model_cfg", model}, {"preprocess_cfg", picture}}).dump());
  }
}

void write_model_files(const fs::path& folder) {
  const testing::TemporaryFolder model;
  testing::write_tiny_model(model.path());
  const auto file = [&](const char* name) { return content_of(model / name); };
  write(folder / "config" / "clip", joined({file("config.json"), file("preprocessor_config.json")}));
  write(folder / "byte_pair" / "clip",
        joined({file("vocab.json"), file("merges.txt"), file("tokenizer_config.json"), "a dog in snow"}));
  write(folder / "byte_pair" / "few",
        joined({R"({"a":0,"b":1,"ab":2,"<|endoftext|>":3})", "#version: 0.2\na b\n", "{}", "ab ba"}));
  write(folder / "word_piece" / "bert",
        joined({"[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nd\n##o\n##g\n,\n",
                R"({"tokenizer_class":"BertTokenizer","do_lower_case":true,"model_max_length":52})",
                "A dog, \xe4\xb8\x80"}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: beeld_fuzz_seeds FOLDER\n";
    return 2;
  }
  const fs::path folder = argv[1];
  write_tensor_files(folder);
  write_pickles(folder / "pickle");
  write_pictures(folder / "image");
  write_pictures_of(folder, "avif", ".avif ");
  write_pictures_of(folder, "heif", ".heic .heif .hif .HEIC ");
  write_pictures_of(folder, "jxl", ".jxl ");
  write_pictures_of(folder, "metadata", ".jpg .png .webp .tif .tiff .heic .heif .avif .jxl .dng ");
  write_pictures_of(folder, "raw", ".dng ");
  write_pictures_of(folder, "tiff", ".tif .tiff ");
  write_pictures_of(folder, "webp", ".webp ");
  write_archives(folder / "tar");
  write_tokenizer_json(folder / "tokenizer_json");
  write_decoders(folder / "decoder");
  write_sentence_piece(folder / "sentence_piece");
  write_open_clip(folder / "open_clip");
  write_model_files(folder);
}
