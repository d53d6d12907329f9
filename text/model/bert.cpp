#include "text/model/encoder.h"
#include "text/model/families.h"

namespace beeld {

TextTower<float> read_bert_text(WeightReader& weights, Settings settings, int embedding_width) {
  settings.ignore({"projection_dim"});  // that of the whole counts
  const auto shape = read_encoder_shape(std::move(settings), EncoderKind::bert);
  const std::string model = "text_model.";
  auto tower = read_encoder(weights, model, shape);
  tower.config.pool = TextPool::first;
  tower.projection = weights.linear("text_projection.", {embedding_width, shape.block.width}, Bias::absent);
  weights.ignore({"text_model.pooler.dense.weight", "text_model.pooler.dense.bias"});
  return tower;
}

}  // namespace beeld
