// Models of texts alone, in the layout of sentence-transformers: steps in folders around an encoder.

#include <beeld/error.h>
#include <beeld/index.h>
#include <beeld/model.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "multimodal/model/families.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::StoredTensors;

constexpr std::int64_t width = 16, inner = 20, positions = 12;

const std::vector<std::string> texts{"a red dog", "  A RED DOG ", "snow"};

void write(const fs::path& file, const json& value) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << value.dump(1);
}

/// A BERT of two layers with random weights, its tokenizer, and the steps behind it.
class TextModel : public ::testing::Test {
 protected:
  TextModel() {
    write_encoder(root);
    list({{"Transformer", ""}, {"Pooling", "1_Pooling"}});
    write(root / "1_Pooling/config.json",
          {{"word_embedding_dimension", width}, {"pooling_mode_mean_tokens", true}});
  }

  static void write_encoder(const fs::path& folder) {
    write(folder / "config.json", {{"model_type", "bert"},
                                   {"hidden_size", width},
                                   {"intermediate_size", inner},
                                   {"num_hidden_layers", 2},
                                   {"num_attention_heads", 2},
                                   {"max_position_embeddings", positions},
                                   {"vocab_size", 10}});
    std::ofstream(folder / "vocab.txt") << "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nred\ndog\nsnow\nA\n##s\n";
    write(folder / "tokenizer_config.json", {{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", false}});
    testing::write_tensors(folder / "model.safetensors", encoder_weights());
  }

  static StoredTensors encoder_weights() {
    StoredTensors weights;
    std::uint64_t seed = 1;
    const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
      weights[name] = testing::random_stored(std::move(shape), ++seed);
    };
    const auto add_linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
      add(name + ".weight", {out, in});
      add(name + ".bias", {out});
    };
    const auto add_norm = [&](const std::string& name) {
      add(name + ".weight", {width});
      add(name + ".bias", {width});
    };
    add("embeddings.word_embeddings.weight", {10, width});
    add("embeddings.position_embeddings.weight", {positions, width});
    add("embeddings.token_type_embeddings.weight", {2, width});
    add_norm("embeddings.LayerNorm");
    for (const auto* layer : {"encoder.layer.0.", "encoder.layer.1."}) {
      const std::string begin = layer;
      for (const auto* part : {"query", "key", "value"})
        add_linear(begin + "attention.self." + part, width, width);
      add_linear(begin + "attention.output.dense", width, width);
      add_norm(begin + "attention.output.LayerNorm");
      add_linear(begin + "intermediate.dense", inner, width);
      add_linear(begin + "output.dense", width, inner);
      add_norm(begin + "output.LayerNorm");
    }
    add_linear("pooler.dense", width, width);
    return weights;
  }

  void list(const std::vector<std::pair<std::string, std::string>>& modules) {
    json all = json::array();
    for (const auto& [kind, path] : modules)
      all.push_back({{"idx", all.size()}, {"path", path}, {"type", "sentence_transformers.models." + kind}});
    write(root / "modules.json", all);
  }

  void write_dense(const json& config, std::int64_t outputs) {
    write(root / "2_Dense/config.json", config);
    StoredTensors weights;
    weights["linear.weight"] = testing::random_stored({outputs, width}, 91);
    weights["linear.bias"] = testing::random_stored({outputs}, 92);
    testing::write_tensors(root / "2_Dense/model.safetensors", weights);
  }

  void expect_refused(ErrorCode code, const char* part) {
    testing::expect_error(code, part, [&] { Model::load(root); });
    testing::expect_error(code, part, [&] { check_configuration(root, FilesThere::configuration); });
  }

  testing::TemporaryFolder folder;
  fs::path root = folder / "texts";
};

TEST_F(TextModel, EmbedsTextsAndSaysThatItEmbedsNoPictures) {
  const auto model = Model::load(root);
  EXPECT_EQ(model.info().family, "sentence-transformers");
  EXPECT_FALSE(model.info().has_images);
  EXPECT_TRUE(model.info().has_text);
  EXPECT_EQ(model.info().dimension, static_cast<std::size_t>(width));
  EXPECT_EQ(model.encode_texts(texts).rows, texts.size());
  const auto picture = testing::wave_picture(40, 32, 1);
  const Pixels pixels{2, 2, std::vector<float>(12)};
  for (const auto& call : std::vector<std::function<void()>>{[&] { model.preprocess(picture); },
                                                             [&] {
                                                               model.encode_images({&picture, 1});
                                                             },
                                                             [&] {
                                                               model.encode_pixels({&pixels, 1});
                                                             },
                                                             [&] {
                                                               model.token_features({&pixels, 1});
                                                             }}) {
    testing::expect_error(ErrorCode::unsupported, "has no tower of pictures: it embeds texts alone", call);
  }
  testing::expect_error(ErrorCode::unsupported, "embeds texts only, not pictures",
                        [&] { Index::open(folder / "index.db", model); });
  testing::expect_error(ErrorCode::unsupported, "has no classifier", [&] {
    model.classify_pixels({&pixels, 1});
  });
}

TEST_F(TextModel, PoolsAsItsModuleSays) {
  const auto mean = Model::load(root);
  const std::vector<std::string> text{"a red dog"};
  const auto tokens = mean.token_features(text).rows;
  ASSERT_EQ(tokens.rows, 5u);  // with [CLS] and [SEP]
  const auto expect = [&](const json& pooling, auto&& value) {
    write(root / "1_Pooling/config.json", pooling);
    const auto rows = Model::load(root).encode_texts(text);
    for (std::size_t j = 0; j < rows.columns; ++j) EXPECT_NEAR(rows[0][j], value(j), 1e-5);
  };
  const auto sum = [&](std::size_t j) {
    float all = 0;
    for (std::size_t i = 0; i < tokens.rows; ++i) all += tokens[i][j];
    return all / static_cast<float>(tokens.rows);
  };
  const auto largest = [&](std::size_t j) {
    float most = tokens[0][j];
    for (std::size_t i = 1; i < tokens.rows; ++i) most = std::max(most, tokens[i][j]);
    return most;
  };
  const auto first = [&](std::size_t j) { return tokens[0][j]; };
  expect(json::object(), sum);
  expect({{"pooling_mode", "mean"}}, sum);
  expect({{"pooling_mode_mean_tokens", false}, {"pooling_mode_cls_token", true}}, first);
  expect({{"pooling_mode_mean_tokens", false}, {"pooling_mode_max_tokens", true}}, largest);
}

TEST_F(TextModel, GoesThroughDenseAndNormalize) {
  const auto pooled = Model::load(root).encode_texts(texts);
  list({{"Transformer", ""}, {"Pooling", "1_Pooling"}, {"Dense", "2_Dense"}, {"Normalize", "3_Normalize"}});
  write_dense({{"in_features", width},
               {"out_features", 6},
               {"bias", true},
               {"activation_function", "torch.nn.modules.activation.Tanh"}},
              6);
  const auto dense = testing::read_tensors(root / "2_Dense/model.safetensors");
  const auto model = Model::load(root);
  EXPECT_EQ(model.info().dimension, 6u);
  const auto rows = model.encode_texts(texts);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    std::vector<double> y(6);
    double square = 0;
    for (std::size_t k = 0; k < 6; ++k) {
      double sum = dense.at("linear.bias").values[k];
      for (std::size_t j = 0; j < width; ++j)
        sum += static_cast<double>(dense.at("linear.weight").values[k * width + j]) * pooled[i][j];
      y[k] = std::tanh(sum);
      square += y[k] * y[k];
    }
    for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(rows[i][k], y[k] / std::sqrt(square), 1e-5);
  }
}

TEST_F(TextModel, StripsAndLowersTextsWhereItIsTold) {
  const auto apart = [&] {
    const auto rows = Model::load(root).encode_texts(texts);
    double largest = 0;
    for (std::size_t j = 0; j < rows.columns; ++j)
      largest = std::max<double>(largest, std::abs(rows[0][j] - rows[1][j]));
    return largest;
  };
  EXPECT_GT(apart(), 1e-3);
  write(root / "sentence_bert_config.json", {{"max_seq_length", 5}, {"do_lower_case", true}});
  EXPECT_EQ(apart(), 0);
  const auto model = Model::load(root);
  EXPECT_EQ(model.tokenizer().encode("snow snow snow snow snow").size(), 5u);
  EXPECT_EQ(model.tokenizer().encode("snow snow snow snow snow").back(), 3);
}

TEST_F(TextModel, IsReadWhereTheEncoderLiesInAFolderOfItsOwn) {
  const auto expected = Model::load(root).encode_texts(texts);
  for (const auto* name : {"config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"}) {
    fs::create_directories(root / "0_Transformer");
    fs::rename(root / name, root / "0_Transformer" / name);
  }
  list({{"Transformer", "0_Transformer"}, {"Pooling", "1_Pooling"}});
  check_configuration(root, FilesThere::all_but_weights);
  EXPECT_EQ(Model::load(root).encode_texts(texts).values, expected.values);
}

// sentence-transformers' own CLIP: its only step is a whole checkpoint.
TEST_F(TextModel, MayAsWellBeADualEncoderInAFolder) {
  const auto clip = folder / "clip";
  testing::write_tiny_model(clip / "0_CLIPModel");
  write(clip / "modules.json", json::array({{{"path", "0_CLIPModel"}, {"type", "a.models.CLIPModel"}}}));
  const auto model = Model::load(clip);
  EXPECT_EQ(model.info().family, "CLIP");
  EXPECT_EQ(model.info().name, "clip");
  EXPECT_EQ(model.encode_texts(texts).values, Model::load(clip / "0_CLIPModel").encode_texts(texts).values);
  check_configuration(clip, FilesThere::all_but_weights);
}

// Another step is another embedding, and must not pass for the same model in an index.
TEST_F(TextModel, HasAFingerprintOfAllItsParts) {
  const auto pooled = Model::load(root).info().fingerprint;
  write(root / "1_Pooling/config.json", {{"pooling_mode", "max"}});
  const auto other = Model::load(root).info().fingerprint;
  EXPECT_NE(pooled, other);
  list({{"Transformer", ""}, {"Pooling", "1_Pooling"}, {"Dense", "2_Dense"}});
  write_dense({{"in_features", width}, {"out_features", 6}}, 6);
  const auto dense = Model::load(root).info();
  EXPECT_NE(dense.fingerprint, other);
  EXPECT_EQ(dense.parameters, Model::load(root).info().parameters);
}

TEST_F(TextModel, IsRefusedForWhatItDoesNotCompute) {
  write(root / "1_Pooling/config.json",
        {{"pooling_mode_mean_tokens", true}, {"pooling_mode_cls_token", true}});
  expect_refused(ErrorCode::unsupported, "expected one pooling");
  write(root / "1_Pooling/config.json", {{"pooling_mode_lasttoken", true}});
  expect_refused(ErrorCode::unsupported, "pooling_mode_lasttoken");
  write(root / "1_Pooling/config.json", {{"pooling_mode", "mean"}});
  list({{"Transformer", ""}, {"Pooling", "1_Pooling"}, {"LSTM", "2_LSTM"}});
  expect_refused(ErrorCode::unsupported, "a module LSTM");
  list({{"Transformer", ""}, {"Pooling", "1_Pooling"}, {"Dense", "2_Dense"}});
  write_dense({{"in_features", width}, {"out_features", 6}, {"activation_function", "a.b.Hardtanh"}}, 6);
  expect_refused(ErrorCode::unsupported, "a.b.Hardtanh");
  write_dense({{"in_features", width + 1}, {"out_features", 6}}, 6);
  expect_refused(ErrorCode::corrupt, "in_features is 17, of 16 channels");
  list({{"Transformer", ""}});
  write(root / "config_sentence_transformers.json", {{"default_prompt_name", "query"}});
  expect_refused(ErrorCode::unsupported, "default_prompt_name");
}

TEST_F(TextModel, LooksNowhereElseThanBelowItsFolder) {
  for (const auto* path : {"..", "../other", "/etc", "a/b", "."}) {
    list({{"Transformer", ""}, {"Pooling", path}});
    testing::expect_error(ErrorCode::corrupt, "expected a folder beside it", [&] { Model::load(root); });
  }
  std::ofstream(root / "modules.json") << "{}";
  testing::expect_error(ErrorCode::corrupt, "expected a list of modules", [&] { Model::load(root); });
}

}  // namespace
}  // namespace beeld
