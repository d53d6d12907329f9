#include <algorithm>

#include "text/model/encoder.h"
#include "text/model/families.h"

namespace beeld {

namespace {

constexpr const char* begin = "text.transformer.";

[[noreturn]] void unsupported(const Settings& settings, const std::string& what) {
  throw Error(ErrorCode::unsupported, "[config] " + settings.origin() + ": " + what);
}

/// hf_pooler_type: absent it is the mean, null that of the encoder's kind.
void read_pool(Settings& settings, WeightReader& weights, EncoderKind kind, TextTower<float>& tower) {
  auto& pool = tower.config.pool;
  const auto name = settings.string("hf_pooler_type", "mean_pooler");
  if (settings.is_null("hf_pooler_type")) {
    pool = kind == EncoderKind::bert ? TextPool::first : TextPool::mean;
  } else if (name == "mean_pooler") {
    pool = TextPool::mean;
  } else if (name == "cls_last_hidden_state_pooler") {
    pool = TextPool::first;
  } else if (name == "cls_pooler") {
    pool = TextPool::first;
    // The encoder's own pooler, where its kind has one.
    if (kind == EncoderKind::bert || kind == EncoderKind::roberta)
      tower.head.push_back(read_pooler(weights, begin, tower.config.block.width));
  } else {
    // OpenCLIP's own max_pooler fills in where it should leave out, and cannot run.
    unsupported(settings, "hf_pooler_type is \"" + name +
                              "\"; known are mean_pooler, cls_pooler and cls_last_hidden_state_pooler");
  }
}

/// hf_proj_type: absent it is an MLP, null none.
void read_projection(Settings& settings, WeightReader& weights, int embedding_width,
                     TextTower<float>& tower) {
  const int width = tower.config.block.width;
  const auto name = settings.string("hf_proj_type", "mlp");
  if (settings.is_null("hf_proj_type")) {
    if (width != embedding_width) {
      unsupported(settings, "hf_proj_type is null, with " + std::to_string(width) +
                                " channels for an embed_dim of " + std::to_string(embedding_width));
    }
  } else if (name == "linear") {
    tower.projection = weights.linear("text.proj.", {embedding_width, width}, Bias::absent);
  } else if (name == "mlp") {
    const auto inner = (width + embedding_width) / 2;
    tower.head.push_back({weights.linear("text.proj.0.", {inner, width}, Bias::absent), Activation::gelu});
    tower.projection = weights.linear("text.proj.2.", {embedding_width, inner}, Bias::absent);
  } else {
    unsupported(settings, "hf_proj_type is \"" + name + "\"; known are linear, mlp and null");
  }
}

}  // namespace

TextTower<float> read_open_clip_encoder_text(WeightReader& weights, Settings settings, int embedding_width) {
  const auto shape = encoder_named(settings.string("hf_model_name", ""), weights, begin);
  auto tower = read_encoder(weights, begin, shape);
  auto& config = tower.config;
  config.pads = PadTokens::masked;
  config.context_length = std::min(config.context_length, settings.bounded("context_length", 77, 1, 1 << 16));
  read_pool(settings, weights, shape.kind, tower);
  read_projection(settings, weights, embedding_width, tower);
  // What the other text towers are made of, the tokenizer's affairs, and how results are returned.
  settings.ignore({"hf_model_pretrained",
                   "hf_tokenizer_name",
                   "tokenizer_kwargs",
                   "tokenizer_mode",
                   "vocab_size",
                   "width",
                   "heads",
                   "layers",
                   "mlp_ratio",
                   "ls_init_value",
                   "embed_cls",
                   "pad_id",
                   "eos_id",
                   "no_causal_mask",
                   "final_ln_after_pool",
                   "pool_type",
                   "proj_bias",
                   "proj_type",
                   "output_tokens",
                   "act_kwargs",
                   "norm_kwargs",
                   "correct_cls_mask",
                   "use_pad_mask"});
  settings.done();
  if (tower.head.empty() || tower.head.front().activation != Activation::tanh)
    weights.ignore({"text.transformer.pooler.dense.weight", "text.transformer.pooler.dense.bias"});
  return tower;
}

}  // namespace beeld
