#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "text/model/families.h"

namespace beeld {

namespace {

constexpr int max_vocabulary = 4 << 20;
constexpr int max_context = 1 << 16;

// Files older than the end token's entry in the configuration say 2, and mean the largest id.
constexpr int legacy_end_id = 2;

}  // namespace

TextTower<float> read_clip_text(WeightReader& weights, Settings settings, int embedding_width) {
  accept_encoder_keys(settings);
  // projection_dim of the whole counts. Some files repeat heads and layers in OpenCLIP's words, which are not
  // read.
  settings.ignore({"bos_token_id", "projection_dim", "heads", "layers"});
  const auto [block, layers] = read_stack(settings, {.width = 512,
                                                     .mlp_width = 2048,
                                                     .layers = 12,
                                                     .heads = 8,
                                                     .activation = "quick_gelu",
                                                     .norm_eps = 1e-5});
  TextTower<float> tower;
  auto& config = tower.config;
  config.vocabulary = settings.bounded("vocab_size", 49408, 1, max_vocabulary);
  config.context_length = settings.bounded("max_position_embeddings", 77, 1, max_context);
  config.end_id = settings.bounded("eos_token_id", 49407, 0, max_vocabulary);
  config.pad_id = settings.bounded("pad_token_id", 1, 0, max_vocabulary);
  config.pool = config.end_id == legacy_end_id ? TextPool::largest_id : TextPool::end_token;
  config.block = block;
  config.block.attention.mask = AttentionMask::causal;
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
  if (embedding_width > 0)
    tower.projection = weights.linear("text_projection.", {embedding_width, block.width}, Bias::absent);
  weights.ignore({".position_ids"});
  return tower;
}

}  // namespace beeld
