#include "core/format/harmless_keys.h"
#include "text/model/encoder.h"
#include "text/model/families.h"

namespace beeld {

TextTower<float> read_m_clip_text(WeightReader& weights, Settings settings) {
  accept_encoder_keys(settings);
  const auto name = settings.string("modelBase", "xlm-roberta-large");
  const int embedding_width = settings.bounded("numDims", 512, 1, 1 << 16);
  settings.ignore({"transformerDimensions"});  // the encoder's own width counts
  settings.done();

  const std::string begin = "transformer.";
  auto tower = read_encoder(weights, begin, encoder_named(name, weights, begin));
  tower.config.pool = TextPool::mean;
  tower.projection = weights.linear("LinearTransformation.", {embedding_width, tower.config.block.width}, Bias::present);
  weights.ignore({"transformer.pooler.dense.weight", "transformer.pooler.dense.bias"});
  return tower;
}

}  // namespace beeld
