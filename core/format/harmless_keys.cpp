#include "core/format/harmless_keys.h"

#include <span>
#include <vector>

namespace beeld {

namespace {

using nlohmann::json;

/// A key, and the values beside null and absence that change nothing.
struct NeutralKey {
  std::string_view key;
  std::vector<json> values;
};

// Where the file comes from, and by which program it was written. Code that auto_map names is never run, as
// transformers does not unless it is told to.
constexpr std::string_view provenance[] = {
    "_name_or_path",   "_commit_hash", "architectures",   "auto_map",    "dtype",
    "finetuning_task", "model_type",   "tokenizer_class", "torch_dtype", "transformers_version",
};

// Dropout is the identity outside training, and what is initialised is then read from the file.
constexpr std::string_view training[] = {
    "attention_dropout", "attention_probs_dropout_prob", "classifier_dropout",  "drop_path_rate",
    "dropout",           "gradient_checkpointing",       "hidden_dropout_prob", "initializer_factor",
    "initializer_range", "logit_scale_init_value",       "layerscale_value",    "problem_type",
    "tf_legacy_loss",
};

// How the same values are computed: in pieces, by which kernel, with what is kept between calls.
constexpr std::string_view execution[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "attn_implementation",
    "chunk_size_feed_forward",
    "output_past",
    "torchscript",
    "use_cache",
};

// What else a call returns, in which container, and what a pipeline around the model is told.
constexpr std::string_view outputs[] = {
    "output_attentions", "output_hidden_states", "return_dict", "return_loss", "task_specific_params",
};

// A classifier reads its labels before it comes here; its head's size is that of the file's tensor, and a
// head that nobody reads is refused by its tensors.
constexpr std::string_view labels[] = {"id2label", "label2id", "num_labels"};

// The decoder's table of outputs, which may be that of its inputs.
constexpr std::string_view output_table[] = {"tie_word_embeddings"};

const std::vector<NeutralKey>& generation() {
  static const std::vector<NeutralKey> keys{
      {"bad_words_ids", {}},
      {"begin_suppress_tokens", {}},
      {"decoder_start_token_id", {}},
      {"diversity_penalty", {0}},
      {"do_sample", {false}},
      {"early_stopping", {false}},
      {"encoder_no_repeat_ngram_size", {0}},
      {"exponential_decay_length_penalty", {}},
      {"forced_bos_token_id", {}},
      {"forced_eos_token_id", {}},
      {"length_penalty", {1}},
      {"max_length", {20}},  // transformers' own default
      {"min_length", {0}},
      {"no_repeat_ngram_size", {0}},
      {"num_beam_groups", {1}},
      {"num_beams", {1}},
      {"num_return_sequences", {1}},
      {"output_scores", {false}},
      {"prefix", {""}},
      {"remove_invalid_values", {false}},
      {"repetition_penalty", {1}},
      {"return_dict_in_generate", {false}},
      {"sep_token_id", {}},
      {"suppress_tokens", {}},
      {"temperature", {1}},
      {"top_k", {0, 50}},
      {"top_p", {1}},
      {"typical_p", {1}},
  };
  return keys;
}

// Each of these, switched on, is another architecture or another arithmetic.
const std::vector<NeutralKey>& architecture() {
  static const std::vector<NeutralKey> keys{
      {"add_cross_attention", {false}}, {"cross_attention_hidden_size", {}}, {"is_decoder", {false}},
      {"is_encoder_decoder", {false}},  {"pruned_heads", {json::object()}},  {"tie_encoder_decoder", {false}},
      {"use_bfloat16", {false}},
  };
  return keys;
}

void accept(Settings& settings, std::span<const std::string_view> keys) {
  for (const auto key : keys) settings.ignore({key});
}

void require_neutral(Settings& settings, const std::vector<NeutralKey>& keys) {
  for (const auto& [key, values] : keys) settings.require_any_of(key, values);
}

void accept_what_nothing_computes(Settings& settings) {
  for (const std::span<const std::string_view> keys :
       {std::span<const std::string_view>(provenance), std::span<const std::string_view>(training),
        std::span<const std::string_view>(execution), std::span<const std::string_view>(outputs),
        std::span<const std::string_view>(labels)}) {
    accept(settings, keys);
  }
}

}  // namespace

void accept_encoder_keys(Settings& settings) {
  accept_what_nothing_computes(settings);
  accept(settings, output_table);
  for (const auto& entry : generation()) settings.ignore({entry.key});
  require_neutral(settings, architecture());
}

void accept_decoder_keys(Settings& settings) {
  accept_what_nothing_computes(settings);
  require_neutral(settings, generation());
}

}  // namespace beeld
