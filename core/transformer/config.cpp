#include "core/transformer/config.h"

#include <beeld/error.h>

#include <cmath>
#include <string>

namespace beeld {

void set_heads(BlockConfig& config, int heads) {
  if (heads <= 0 || config.width % heads != 0) {
    throw Error(ErrorCode::corrupt, "[config] a width of " + std::to_string(config.width) +
                                        " cannot be split into " + std::to_string(heads) + " heads");
  }
  config.heads = config.key_value_heads = heads;
  config.head_width = config.width / heads;
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_width));
}

}  // namespace beeld
