#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"
#include "text/model/families.h"

namespace beeld {

namespace {

constexpr BlockNames names{
    .attention_norm = "attention.output.LayerNorm.",
    .query = "attention.self.query.",
    .key = "attention.self.key.",
    .value = "attention.self.value.",
    .output = "attention.output.dense.",
    .mlp_norm = "output.LayerNorm.",
    .up = "intermediate.dense.",
    .down = "output.dense.",
};

}  // namespace

TextTower<float> read_bert_text(WeightReader& weights, Settings settings, int embedding_width) {
  accept_encoder_keys(settings);
  settings.ignore({"bos_token_id", "eos_token_id", "directionality", "pooler_fc_size",
                   "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
                   "pooler_type", "projection_dim"});
  settings.require("position_embedding_type", "absolute");
  const auto [block, layers] = read_stack(settings, {.activation = "gelu", .norm_eps = 1e-12});
  TextTower<float> tower;
  auto& config = tower.config;
  config.vocabulary = settings.bounded("vocab_size", 30522, 1, 4 << 20);
  config.context_length = settings.bounded("max_position_embeddings", 512, 1, 1 << 16);
  const int segments = settings.bounded("type_vocab_size", 2, 1, 1 << 16);
  config.pad_id = settings.bounded("pad_token_id", 0, 0, 4 << 20);
  config.pool = TextPool::first;
  config.segments = Segments::present;
  config.embedding_norm = EmbeddingNorm::present;
  config.final_norm = FinalNorm::absent;
  config.block = block;
  config.block.norm_place = NormPlace::post;
  config.layers = layers;
  settings.done();

  const std::string model = "text_model.";
  tower.tokens = weights.table(model + "embeddings.word_embeddings.weight", {config.vocabulary, block.width});
  tower.positions =
      weights.table(model + "embeddings.position_embeddings.weight", {config.context_length, block.width});
  tower.segment = weights.table(model + "embeddings.token_type_embeddings.weight", {segments, block.width});
  tower.embedding_norm = weights.norm(model + "embeddings.LayerNorm.", config.block);
  tower.encoder = weights.transformer(
      config.block, layers, names, [&](int i) { return model + "encoder.layer." + std::to_string(i) + "."; });
  tower.projection = weights.linear("text_projection.", {embedding_width, block.width}, Bias::absent);
  weights.ignore({".position_ids", "text_model.pooler.dense.weight", "text_model.pooler.dense.bias"});
  return tower;
}

}  // namespace beeld
