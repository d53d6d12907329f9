#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "text/model/families.h"

namespace beeld {

TextTower<float> read_siglip_text(WeightReader& weights, Settings settings) {
  accept_encoder_keys(settings);
  // The tokenizer's ids count; published configurations carry CLIP's instead.
  settings.ignore({"bos_token_id", "eos_token_id", "pad_token_id"});
  const auto [block, layers] = read_stack(settings, {.activation = "gelu_pytorch_tanh", .norm_eps = 1e-6});
  TextTower<float> tower;
  auto& config = tower.config;
  config.vocabulary = settings.bounded("vocab_size", 32000, 1, 4 << 20);
  config.context_length = settings.bounded("max_position_embeddings", 64, 1, 1 << 16);
  const int embedding_width = settings.bounded("projection_size", block.width, 1, 1 << 16);
  config.pool = TextPool::last;
  config.padding = TextPadding::to_context;
  config.block = block;
  config.layers = layers;
  settings.done();

  const std::string model = "text_model.";
  tower.tokens = weights.table(model + "embeddings.token_embedding.weight", {config.vocabulary, block.width});
  tower.positions =
      weights.table(model + "embeddings.position_embedding.weight", {config.context_length, block.width});
  tower.encoder = weights.transformer(config.block, layers, self_attn_names, [&](int i) {
    return model + "encoder.layers." + std::to_string(i) + ".";
  });
  tower.final_norm = weights.norm(model + "final_layer_norm.", config.block);
  tower.projection = weights.linear(model + "head.", {embedding_width, block.width}, Bias::present);
  weights.ignore({".position_ids"});
  return tower;
}

}  // namespace beeld
