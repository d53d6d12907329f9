// What published repositories really hold: key sets as they are on the hub, around small models.

#include <beeld/error.h>
#include <beeld/model.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/weight_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void write(const fs::path& file, const json& value) { std::ofstream(file) << value.dump(1); }

std::vector<float> embeddings(const Model& model, const std::vector<std::string>& texts) {
  const std::vector<Image> images{testing::wave_picture(40, 32, 1), testing::wave_picture(30, 50, 2)};
  auto values = model.encode_images(images).values;
  const auto words = model.encode_texts(texts).values;
  values.insert(values.end(), words.begin(), words.end());
  return values;
}

/// A copy of a checkpoint whose files are then changed; what it computes must stay the same.
class Published : public ::testing::Test {
 protected:
  void begin(const fs::path& original) {
    original_ = original;
    fs::copy(original, copy_, fs::copy_options::recursive);
  }
  void begin_tiny() {
    testing::write_tiny_model(folder_ / "original");
    begin(folder_ / "original");
  }
  json config(const char* file = "config.json") const { return read_json(copy_ / file); }
  void set(const json& value, const char* file = "config.json") const { write(copy_ / file, value); }

  void expect_same(const std::vector<std::string>& texts = {"a photo of a cat", "red dog"}) const {
    EXPECT_EQ(embeddings(Model::load(copy_), texts), embeddings(Model::load(original_), texts));
  }
  void expect_refused(const std::string& named) const {
    try {
      Model::load(copy_);
      FAIL() << "loaded in spite of " << named;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }

  testing::TemporaryFolder folder_;
  fs::path original_, copy_ = folder_ / "copy";
};

// What transformers 4 wrote around 2022 into each part of openai/clip-vit-base-patch32 and its descendants.
json written_by_transformers_4() {
  return json::parse(R"({
    "_name_or_path": "", "add_cross_attention": false, "architectures": null, "attention_dropout": 0.0,
    "bad_words_ids": null, "chunk_size_feed_forward": 0, "cross_attention_hidden_size": null,
    "decoder_start_token_id": null, "diversity_penalty": 0.0, "do_sample": false, "dropout": 0.0,
    "early_stopping": false, "encoder_no_repeat_ngram_size": 0, "finetuning_task": null,
    "forced_bos_token_id": null, "forced_eos_token_id": null, "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "initializer_factor": 1.0, "initializer_range": 0.02, "is_decoder": false, "is_encoder_decoder": false,
    "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "length_penalty": 1.0, "max_length": 20, "min_length": 0,
    "no_repeat_ngram_size": 0, "num_beam_groups": 1, "num_beams": 1, "num_return_sequences": 1,
    "output_attentions": false, "output_hidden_states": false, "output_scores": false, "prefix": null,
    "problem_type": null, "pruned_heads": {}, "remove_invalid_values": false, "repetition_penalty": 1.0,
    "return_dict": true, "return_dict_in_generate": false, "sep_token_id": null,
    "task_specific_params": null, "temperature": 1.0, "tie_encoder_decoder": false,
    "tie_word_embeddings": true, "tokenizer_class": null, "top_k": 50, "top_p": 1.0, "torch_dtype": null,
    "torchscript": false, "transformers_version": "4.16.0.dev0", "typical_p": 1.0, "use_bfloat16": false})");
}

TEST_F(Published, OldConfigurationsListEveryDefault) {
  begin_tiny();
  auto changed = config();
  for (const auto* part : {"text_config", "vision_config"}) {
    auto all = written_by_transformers_4();
    all.update(changed[part]);
    changed[part] = all;
  }
  changed.update(
      {{"transformers_version", nullptr}, {"text_config_dict", nullptr}, {"torch_dtype", "float32"}});
  set(changed);
  expect_same();
  changed["text_config"]["is_decoder"] = true;
  set(changed);
  expect_refused("is_decoder");
}

TEST_F(Published, MetaClipRepeatsHeadsAndLayers) {
  begin_tiny();
  auto changed = config();
  for (const auto* part : {"text_config", "vision_config"}) {
    changed[part].update(
        {{"heads", changed[part]["num_attention_heads"]}, {"layers", changed[part]["num_hidden_layers"]}});
  }
  set(changed);
  expect_same();
}

TEST_F(Published, ChineseClipSaysWhatBertsOnceSaid) {
  BEELD_NEED_SHARED("conformance/chinese_clip/public");
  begin(testing::shared_folder() / "conformance/chinese_clip/public");
  auto changed = config();
  changed["text_config"].update(json::parse(R"({
    "output_past": true, "directionality": "bidi", "pooler_fc_size": 768, "pooler_num_attention_heads": 12,
    "pooler_num_fc_layers": 3, "pooler_size_per_head": 128, "pooler_type": "first_token_transform",
    "eos_token_id": 2, "use_cache": true, "position_embedding_type": "absolute"})"));
  set(changed);
  expect_same({"a b"});
  changed["text_config"]["position_embedding_type"] = "relative_key";
  set(changed);
  expect_refused("position_embedding_type");
}

// processor.save_pretrained() of transformers 5.
TEST_F(Published, TheProcessorMayNestTheImageProcessor) {
  begin_tiny();
  fs::remove(copy_ / "preprocessor_config.json");
  json image_processor = json::parse(R"({
    "crop_size": {"height": 32, "width": 32, "longest_edge": null, "shortest_edge": null},
    "data_format": "channels_first", "do_center_crop": true, "do_convert_rgb": true, "do_normalize": true,
    "do_rescale": true, "do_resize": true, "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "CLIPImageProcessorFast", "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3, "rescale_factor": 0.00392156862745098,
    "size": {"height": null, "width": null, "longest_edge": null, "shortest_edge": 32}})");
  set({{"image_processor", image_processor}, {"processor_class", "CLIPProcessor"}}, "processor_config.json");
  expect_same();
  // Both describe it: the nested one counts, in the fingerprint as well.
  const auto nested = Model::load(copy_).info().fingerprint;
  set({{"do_solarize", true}}, "preprocessor_config.json");
  EXPECT_EQ(Model::load(copy_).info().fingerprint, nested);
  image_processor["resample"] = 2;
  set({{"image_processor", image_processor}}, "processor_config.json");
  EXPECT_NE(Model::load(copy_).info().fingerprint, nested);
  // A processor_config.json that nests nothing describes no pictures.
  set({{"processor_class", "CLIPProcessor"}}, "processor_config.json");
  expect_refused("do_solarize");
}

TEST_F(Published, OpenClipsFlagsMayBeWordsAndNameTheHub) {
  BEELD_NEED_SHARED("conformance/open_clip/public");
  begin(testing::shared_folder() / "conformance/open_clip/public");
  auto changed = config("open_clip_config.json");
  changed["preprocess_cfg"]["hf_hub"] = "imageomics/bioclip";
  set(changed, "open_clip_config.json");
  expect_same();

  changed["model_cfg"]["quick_gelu"] = "TRUE";
  set(changed, "open_clip_config.json");
  const auto word = embeddings(Model::load(copy_), {"cat"});
  changed["model_cfg"]["quick_gelu"] = true;
  set(changed, "open_clip_config.json");
  EXPECT_EQ(word, embeddings(Model::load(copy_), {"cat"}));
  EXPECT_NE(word, embeddings(Model::load(original_), {"cat"}));
  // To Python this word is true as well, and nobody means that.
  changed["model_cfg"]["quick_gelu"] = "FALSE";
  set(changed, "open_clip_config.json");
  expect_refused("quick_gelu");
}

// A whole repository: both layouts' configurations, and only Hugging Face's weights as safetensors.
TEST_F(Published, AWholeRepositoryIsReadByTheWeightsItHas) {
  begin_tiny();
  set({{"model_cfg", {{"embed_dim", 512}, {"vision_cfg", {{"layers", 12}}}, {"text_cfg", {{"width", 512}}}}},
       {"preprocess_cfg", {{"mean", 0.5}}}},
      "open_clip_config.json");
  std::ofstream(copy_ / "open_clip_pytorch_model.bin") << "a pickle";
  const auto model = Model::load(copy_);
  EXPECT_EQ(model.info().family, "CLIP");
  // OpenCLIP's tokenizer would mend the text first.
  const auto* text = "&lt;cat&gt; \u00e2\u20ac\u2122s";
  EXPECT_EQ(model.tokenizer().encode(text), Model::load(original_).tokenizer().encode(text));
  expect_same();
}

TEST_F(Published, AWholeRepositoryWithBothWeightsIsOpenClips) {
  BEELD_NEED_SHARED("conformance/open_clip/public");
  begin(testing::shared_folder() / "conformance/open_clip/public");
  testing::TemporaryFolder tiny;
  testing::write_tiny_model(tiny / "clip");
  for (const auto* file : {"config.json", "preprocessor_config.json", "model.safetensors"})
    fs::copy_file(tiny / "clip" / file, copy_ / file);
  EXPECT_EQ(Model::load(copy_).info().family, "OpenCLIP");
  expect_same();
}

TEST_F(Published, TimmClassesHaveNumbersWhereTheyHaveNoNames) {
  BEELD_NEED_SHARED("conformance/timm_vit_extra/public_options");
  begin(testing::shared_folder() / "conformance/timm_vit_extra/public_options");
  EXPECT_EQ(Model::load(original_).info().classes.at(10), "class 10");  // of pretrained_cfg
  auto changed = config();
  // Those of the head that was replaced: not this one's.
  changed["pretrained_cfg"]["label_names"] = {"cat", "dog"};
  set(changed);
  const auto classes = Model::load(copy_).info().classes;
  ASSERT_EQ(classes.size(), 11u);
  EXPECT_EQ(classes.front(), "0");
  EXPECT_EQ(classes.back(), "10");
}

}  // namespace
}  // namespace beeld
