#include "text/model/encoder.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "core/format/block_settings.h"
#include "core/format/harmless_keys.h"

namespace beeld {

namespace {

constexpr int max_vocabulary = 4 << 20;
constexpr int max_positions = 1 << 16;
constexpr std::int64_t named_head_width = 64;  // of every published encoder

/// What the tensors of a kind are called.
struct EncoderNames {
  BlockNames block;
  const char* layer;   ///< before a block's number
  const char* tokens;  ///< the table of tokens, a whole name
};

constexpr EncoderNames bert_names{{.attention_norm = "attention.output.LayerNorm.",
                                   .query = "attention.self.query.",
                                   .key = "attention.self.key.",
                                   .value = "attention.self.value.",
                                   .output = "attention.output.dense.",
                                   .mlp_norm = "output.LayerNorm.",
                                   .up = "intermediate.dense.",
                                   .down = "output.dense."},
                                  "encoder.layer.",
                                  "embeddings.word_embeddings.weight"};

constexpr EncoderNames distilbert_names{{.attention_norm = "sa_layer_norm.",
                                         .query = "attention.q_lin.",
                                         .key = "attention.k_lin.",
                                         .value = "attention.v_lin.",
                                         .output = "attention.out_lin.",
                                         .mlp_norm = "output_layer_norm.",
                                         .up = "ffn.lin1.",
                                         .down = "ffn.lin2."},
                                        "transformer.layer.",
                                        "embeddings.word_embeddings.weight"};

constexpr EncoderNames t5_names{{.attention_norm = "layer.0.layer_norm.",
                                 .query = "layer.0.SelfAttention.q.",
                                 .key = "layer.0.SelfAttention.k.",
                                 .value = "layer.0.SelfAttention.v.",
                                 .output = "layer.0.SelfAttention.o.",
                                 .mlp_norm = "layer.1.layer_norm.",
                                 .up = "layer.1.DenseReluDense.wi_1.",
                                 .gate = "layer.1.DenseReluDense.wi_0.",
                                 .down = "layer.1.DenseReluDense.wo.",
                                 .relative_bias = "layer.0.SelfAttention.relative_attention_bias.weight"},
                                "block.",
                                "embed_tokens.weight"};

const EncoderNames& names_of(EncoderKind kind) {
  switch (kind) {
    case EncoderKind::distilbert:
      return distilbert_names;
    case EncoderKind::t5:
      return t5_names;
    case EncoderKind::bert:
    case EncoderKind::roberta:
      break;
  }
  return bert_names;
}

/// Published encoders by the beginning of their name, without its owner.
struct NamedEncoder {
  std::string_view begin;
  EncoderKind kind;
  double norm_eps;
};

constexpr NamedEncoder known[] = {
    {"xlm-roberta-", EncoderKind::roberta, 1e-5},
    {"roberta-", EncoderKind::roberta, 1e-5},
    {"distilroberta-", EncoderKind::roberta, 1e-5},
    {"bert-", EncoderKind::bert, 1e-12},
    {"labse", EncoderKind::bert, 1e-12},
    {"biomednlp-pubmedbert-", EncoderKind::bert, 1e-12},
    {"biomednlp-biomedbert-", EncoderKind::bert, 1e-12},
    {"scibert_", EncoderKind::bert, 1e-12},
    {"bio_clinicalbert", EncoderKind::bert, 1e-12},
    {"chinese-bert-wwm", EncoderKind::bert, 1e-12},
    {"chinese-roberta-wwm", EncoderKind::bert, 1e-12},  // a BERT, whatever its name
    {"distilbert-", EncoderKind::distilbert, 1e-12},
    {"mt5-", EncoderKind::t5, 1e-6},
};

const NamedEncoder& find_named(const std::string& name) {
  auto last = name.substr(name.rfind('/') + 1);
  std::ranges::transform(last, last.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto& entry : known) {
    if (last.starts_with(entry.begin)) return entry;
  }
  std::string list;
  for (const auto& entry : known) list += (list.empty() ? "" : ", ") + std::string(entry.begin);
  throw Error(ErrorCode::unsupported,
              "[config] a text encoder \"" + name + "\"; known are names that begin with " + list);
}

/// One extent of a matrix as the file has it, within bounds; `otherwise` where there are no files yet.
int extent(const WeightReader& weights, const std::string& name, std::size_t axis, int otherwise) {
  const auto shape = weights.shape(name);
  if (shape.empty()) return otherwise;
  if (shape.size() != 2 || shape[axis] < 1 || shape[axis] > max_vocabulary) {
    throw Error(ErrorCode::corrupt, "[weights] " + name + " should be a matrix of at most " +
                                        std::to_string(max_vocabulary) + " rows");
  }
  return static_cast<int>(shape[axis]);
}

int count_layers(const WeightReader& weights, const std::string& begin, const EncoderNames& names) {
  int count = 0;
  const auto one = [&] {
    return begin + names.layer + std::to_string(count) + "." + names.block.query + "weight";
  };
  while (count < 1024 && weights.has(one())) ++count;
  return count;
}

/// Sizes as the tensors have them.
void read_sizes(const WeightReader& weights, const std::string& begin, EncoderShape& shape) {
  const auto& names = names_of(shape.kind);
  auto& block = shape.block;
  const auto first = begin + names.layer + "0.";
  const auto rows = [&](const std::string& name, int otherwise) {
    return extent(weights, name, 0, otherwise);
  };
  shape.vocabulary = rows(begin + names.tokens, 1);
  shape.layers = count_layers(weights, begin, names);
  block.width = extent(weights, begin + names.tokens, 1, static_cast<int>(named_head_width));
  block.mlp_width = rows(first + names.block.up + "weight", 1);
  if (shape.kind == EncoderKind::t5) {
    const auto all_heads = rows(first + names.block.query + "weight", block.width);
    block.attention.heads = block.attention.key_value_heads = static_cast<int>(all_heads / named_head_width);
    block.attention.head_width = static_cast<int>(named_head_width);
    block.attention.relative.count =
        rows(begin + names.layer + "0." + names.block.relative_bias, block.attention.relative.count);
    return;
  }
  set_heads(block, static_cast<int>(block.width / named_head_width));
  shape.positions = rows(begin + "embeddings.position_embeddings.weight", max_positions);
  const auto segments = begin + "embeddings.token_type_embeddings.weight";
  if (shape.kind != EncoderKind::distilbert) shape.segments = rows(segments, 1);
}

/// The choices that all encoders of a kind share.
void apply_kind(EncoderShape& shape) {
  auto& block = shape.block;
  if (shape.kind != EncoderKind::t5) {
    block.norm_place = NormPlace::post;
    return;
  }
  block.norm = NormKind::rms;
  block.gating = Gating::gated;
  block.activation = Activation::gelu_tanh;
  block.mlp_bias = Bias::absent;
  block.attention.query_key_value_bias = block.attention.output_bias = Bias::absent;
  block.attention.position = PositionScheme::relative_bias;
  block.attention.scale = 1;
}

void read_bert_shape(Settings& settings, EncoderShape& shape) {
  const bool roberta = shape.kind == EncoderKind::roberta;
  settings.ignore({"bos_token_id", "eos_token_id", "directionality", "pooler_fc_size",
                   "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
                   "pooler_type"});
  settings.require("position_embedding_type", "absolute");
  const auto stack = read_stack(settings, {.activation = "gelu", .norm_eps = 1e-12});
  shape.block = stack.block;
  shape.layers = stack.layers;
  shape.vocabulary = settings.bounded("vocab_size", roberta ? 50265 : 30522, 1, max_vocabulary);
  shape.positions = settings.bounded("max_position_embeddings", 512, 1, max_positions);
  shape.segments = settings.bounded("type_vocab_size", 2, 1, max_positions);
  shape.pad_id = settings.bounded("pad_token_id", roberta ? 1 : 0, 0, max_vocabulary);
}

void read_distilbert_shape(Settings& settings, EncoderShape& shape) {
  // Sinusoids are in the file where they are the positions, and the heads of other tasks are not.
  settings.ignore({"qa_dropout", "seq_classif_dropout", "sinusoidal_pos_embds", "tie_weights_"});
  auto& block = shape.block;
  block.width = settings.bounded("dim", 768, 1, 1 << 16);
  block.mlp_width = settings.bounded("hidden_dim", 3072, 1, 1 << 18);
  block.norm_eps = 1e-12;
  block.activation = activation_named(settings.string("activation", "gelu"), settings.origin());
  set_heads(block, settings.bounded("n_heads", 12, 1, 1 << 16));
  shape.layers = settings.bounded("n_layers", 6, 0, 1024);
  shape.vocabulary = settings.bounded("vocab_size", 30522, 1, max_vocabulary);
  shape.positions = settings.bounded("max_position_embeddings", 512, 1, max_positions);
  shape.pad_id = settings.bounded("pad_token_id", 0, 0, max_vocabulary);
}

}  // namespace

EncoderShape encoder_named(const std::string& name, const WeightReader& weights, const std::string& begin) {
  const auto& entry = find_named(name);
  EncoderShape shape{.kind = entry.kind, .block = {}};
  shape.block.norm_eps = entry.norm_eps;
  shape.pad_id = entry.kind == EncoderKind::roberta ? 1 : 0;
  read_sizes(weights, begin, shape);
  apply_kind(shape);
  return shape;
}

EncoderKind encoder_kind(Settings settings) {
  const auto type = settings.string("model_type", "");
  if (type == "bert") return EncoderKind::bert;
  if (type == "distilbert") return EncoderKind::distilbert;
  if (type == "roberta" || type == "xlm-roberta" || type == "camembert") return EncoderKind::roberta;
  throw Error(ErrorCode::unsupported,
              "[config] " + settings.origin() + ": a text encoder of model_type \"" + type +
                  "\"; known are bert, distilbert, roberta, xlm-roberta and camembert");
}

EncoderShape read_encoder_shape(Settings settings, EncoderKind kind) {
  accept_encoder_keys(settings);
  EncoderShape shape{.kind = kind, .block = {}};
  if (kind == EncoderKind::distilbert) {
    read_distilbert_shape(settings, shape);
  } else {
    read_bert_shape(settings, shape);
  }
  settings.done();
  apply_kind(shape);
  return shape;
}

TextTower<float> read_encoder(WeightReader& weights, const std::string& begin, const EncoderShape& shape) {
  auto names = names_of(shape.kind);
  const auto& block = shape.block;
  // The first version of T5 has no gate.
  if (shape.kind == EncoderKind::t5 && block.gating == Gating::none)
    names.block.up = "layer.1.DenseReluDense.wi.";
  const bool bert = shape.kind != EncoderKind::t5;
  TextTower<float> tower;
  auto& config = tower.config;
  config.vocabulary = shape.vocabulary;
  config.pad_id = shape.pad_id;
  config.block = block;
  config.layers = shape.layers;
  config.pool = TextPool::first;
  config.context_length = bert ? shape.positions : max_positions;
  if (shape.kind == EncoderKind::roberta) {
    config.position_rule = PositionRule::behind_padding;
    config.context_length = std::max<int>(1, shape.positions - static_cast<int>(shape.pad_id) - 1);
  }
  config.final_norm = bert ? FinalNorm::absent : FinalNorm::present;
  config.embedding_norm = bert ? EmbeddingNorm::present : EmbeddingNorm::absent;
  config.segments = shape.segments > 0 ? Segments::present : Segments::absent;

  tower.tokens = weights.table(begin + names.tokens, {shape.vocabulary, block.width});
  const auto embeddings = begin + "embeddings.";
  if (shape.positions > 0)
    tower.positions =
        weights.table(embeddings + "position_embeddings.weight", {shape.positions, block.width});
  if (shape.segments > 0)
    tower.segment = weights.table(embeddings + "token_type_embeddings.weight", {shape.segments, block.width});
  if (bert) tower.embedding_norm = weights.norm(embeddings + "LayerNorm.", block);
  tower.encoder = weights.transformer(block, shape.layers, names.block,
                                      [&](int i) { return begin + names.layer + std::to_string(i) + "."; });
  if (!bert) tower.final_norm = weights.norm(begin + "final_layer_norm.", block);
  weights.ignore({".position_ids", ".token_type_ids"});
  return tower;
}

DenseLayer<float> read_pooler(WeightReader& weights, const std::string& begin, std::int64_t width) {
  return {weights.linear(begin + "pooler.dense.", {width, width}, Bias::present), Activation::tanh};
}

}  // namespace beeld
