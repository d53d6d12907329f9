#include <map>

#include "core/format/block_settings.h"
#include "text/model/families.h"

namespace beeld {

namespace {

TextPool pool_named(const std::string& name, const std::string& origin) {
  static const std::map<std::string, TextPool, std::less<>> known{{"first", TextPool::first},
                                                                  {"last", TextPool::last},
                                                                  {"argmax", TextPool::largest_id},
                                                                  {"eos", TextPool::end_token}};
  const auto it = known.find(name);
  if (it == known.end()) {
    throw Error(ErrorCode::unsupported, "[config] " + origin + ": unknown pool_type \"" + name + "\"");
  }
  return it->second;
}

TextConfig read_config(Settings& settings, Activation activation) {
  TextConfig config;
  auto& block = config.block;
  block.width = settings.bounded("width", 512, 1, 1 << 16);
  set_heads(block, settings.bounded("heads", 8, 1, 1 << 16));
  block.mlp_width = read_mlp_width(settings, block.width, 4);
  block.activation = read_activation_arguments(settings, activation);
  block.norm_eps = read_norm_arguments(settings, 1e-5);
  block.attention.mask =
      settings.boolean("no_causal_mask", false) ? AttentionMask::none : AttentionMask::causal;
  if (settings.has("ls_init_value")) block.residual_scale = ResidualScale::learned;
  config.layers = settings.bounded("layers", 12, 0, 1024);
  config.vocabulary = settings.bounded("vocab_size", 49408, 1, 4 << 20);
  config.context_length = settings.bounded("context_length", 77, 1, 1 << 16);
  config.pool = pool_named(settings.string("pool_type", "argmax"), settings.origin());
  config.end_id = settings.bounded("eos_id", settings.bounded("eos_token_id", 2, 0, 4 << 20), 0, 4 << 20);
  // Padding takes part wherever the mask or the pooling lets it be seen.
  const bool seen = block.attention.mask == AttentionMask::none || config.pool == TextPool::last;
  config.padding = seen ? TextPadding::to_context : TextPadding::none;
  settings.require("embed_cls", false);
  settings.require("use_pad_mask", false);
  require_plain_blocks(settings);
  // pad_id belongs to a mask that only embed_cls has; padding itself is the tokenizer's.
  settings.ignore({"ls_init_value", "pad_id", "correct_cls_mask", "final_ln_after_pool", "hf_tokenizer_name",
                   "tokenizer_kwargs", "tokenizer_mode", "output_tokens", "hf_model_pretrained",
                   "hf_proj_type", "hf_pooler_type"});
  return config;
}

}  // namespace

TextTower<float> read_open_clip_text(WeightReader& weights, Settings settings, const OpenClipText& text) {
  TextTower<float> tower;
  auto& config = tower.config = read_config(settings, text.activation);
  const auto proj_bias = settings.boolean("proj_bias", false) ? Bias::present : Bias::absent;
  const auto proj_type = settings.string("proj_type", "linear");
  if (proj_type != "linear" && proj_type != "none") settings.require("proj_type", "linear");
  settings.done();

  const auto width = std::int64_t{config.block.width};
  tower.tokens = weights.table(text.prefix + "token_embedding.weight", {config.vocabulary, width});
  tower.positions = weights.table(text.prefix + "positional_embedding", {config.context_length, width});
  tower.encoder = weights.transformer(config.block, config.layers, resblock_names, [&](int i) {
    return text.prefix + "transformer.resblocks." + std::to_string(i) + ".";
  });
  tower.final_norm = weights.norm(text.prefix + "ln_final.", config.block);
  if (proj_type == "linear" && proj_bias == Bias::present) {
    tower.projection =
        weights.linear(text.prefix + "text_projection.", {text.embedding_width, width}, proj_bias);
  } else if (proj_type == "linear") {
    // Without a bias it is a bare matrix that multiplies on the right.
    tower.projection.weight =
        weights.matrix(text.prefix + "text_projection", {text.embedding_width, width}, Layout::transposed);
  }
  weights.ignore({"attn_mask", ".attn_mask"});
  return tower;
}

}  // namespace beeld
