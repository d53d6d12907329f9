#include "core/format/harmless_keys.h"

#include <gtest/gtest.h>

namespace beeld {
namespace {

using nlohmann::json;
using Accept = void (*)(Settings&);

/// Every key that transformers 4 writes into each part of a configuration, as it writes it.
json all_keys() {
  return json::parse(R"({
    "_name_or_path": "", "add_cross_attention": false, "architectures": null, "attention_dropout": 0.1,
    "bad_words_ids": null, "begin_suppress_tokens": null, "chunk_size_feed_forward": 0,
    "cross_attention_hidden_size": null, "decoder_start_token_id": null, "diversity_penalty": 0.0,
    "do_sample": false, "dropout": 0.1, "early_stopping": false, "encoder_no_repeat_ngram_size": 0,
    "exponential_decay_length_penalty": null, "finetuning_task": null, "forced_bos_token_id": null,
    "forced_eos_token_id": null, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "initializer_range": 0.02,
    "is_decoder": false, "is_encoder_decoder": false, "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "length_penalty": 1.0, "max_length": 20, "min_length": 0, "model_type": "model", "no_repeat_ngram_size": 0,
    "num_beam_groups": 1, "num_beams": 1, "num_return_sequences": 1, "output_attentions": false,
    "output_hidden_states": false, "output_scores": false, "prefix": null, "problem_type": null,
    "pruned_heads": {}, "remove_invalid_values": false, "repetition_penalty": 1.0, "return_dict": true,
    "return_dict_in_generate": false, "sep_token_id": null, "suppress_tokens": null,
    "task_specific_params": null, "temperature": 1.0, "tf_legacy_loss": false, "tie_encoder_decoder": false,
    "tie_word_embeddings": true, "tokenizer_class": null, "top_k": 50, "top_p": 1.0, "torch_dtype": "float32",
    "torchscript": false, "transformers_version": "4.27.1", "typical_p": 1.0, "use_bfloat16": false})");
}

void expect_accepted(Accept accept, const json& value) {
  Settings settings(value, "config.json");
  EXPECT_NO_THROW({
    accept(settings);
    settings.done();
  }) << value;
}

void expect_refused(Accept accept, const std::string& key, const json& value) {
  Settings settings({{key, value}}, "config.json");
  try {
    accept(settings);
    settings.done();
    ADD_FAILURE() << key << " " << value << " is accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();
    EXPECT_NE(std::string(error.what()).find('"' + key + '"'), std::string::npos) << error.what();
  }
}

TEST(HarmlessKeys, AnEncoderTakesWhatTransformersWrites) { expect_accepted(accept_encoder_keys, all_keys()); }

TEST(HarmlessKeys, AnEncoderNeverGenerates) {
  const std::pair<const char*, json> unread[] = {
      {"repetition_penalty", 1.3},  {"forced_bos_token_id", 5}, {"num_beams", 4},
      {"do_sample", true},          {"max_length", 512},        {"tie_word_embeddings", false},
      {"tie_word_embeddings", true}};
  for (const auto& [key, value] : unread) expect_accepted(accept_encoder_keys, {{key, value}});
}

TEST(HarmlessKeys, AnotherArchitectureIsRefused) {
  const std::pair<const char*, json> switched_on[] = {
      {"is_decoder", true},          {"is_encoder_decoder", true},        {"add_cross_attention", true},
      {"tie_encoder_decoder", true}, {"cross_attention_hidden_size", 64}, {"use_bfloat16", true},
      {"pruned_heads", {{"0", {1}}}}};
  for (const auto& [key, value] : switched_on) expect_refused(accept_encoder_keys, key, value);
  for (const auto* key : {"rope_scaling", "qk_norm", "quantization_config", "mask_ratio"}) {
    expect_refused(accept_encoder_keys, key, 1);
  }
}

TEST(HarmlessKeys, ADecoderTakesGenerationOnlyWhereItChangesNothing) {
  auto keys = all_keys();
  for (const auto* key :
       {"add_cross_attention", "cross_attention_hidden_size", "is_decoder", "is_encoder_decoder",
        "pruned_heads", "tie_encoder_decoder", "tie_word_embeddings", "use_bfloat16"}) {
    keys.erase(key);
  }
  expect_accepted(accept_decoder_keys, keys);
  const std::pair<const char*, json> changing[] = {{"repetition_penalty", 1.2}, {"forced_bos_token_id", 5},
                                                   {"forced_eos_token_id", 2},  {"num_beams", 4},
                                                   {"do_sample", true},         {"min_length", 3},
                                                   {"bad_words_ids", {{7}}},    {"temperature", 0.7},
                                                   {"suppress_tokens", {1}},    {"no_repeat_ngram_size", 3}};
  for (const auto& [key, value] : changing) expect_refused(accept_decoder_keys, key, value);
}

// What builds the model must be read by its family: nobody may forget it.
TEST(HarmlessKeys, ADecodersBuildIsItsFamilysToRead) {
  for (const auto* key : {"tie_word_embeddings", "is_decoder", "is_encoder_decoder", "add_cross_attention"}) {
    for (const bool value : {false, true}) expect_refused(accept_decoder_keys, key, value);
  }
}

}  // namespace
}  // namespace beeld
