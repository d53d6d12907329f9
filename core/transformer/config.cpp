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
  auto& attention = config.attention;
  attention.heads = attention.key_value_heads = heads;
  attention.head_width = config.width / heads;
  attention.scale = 1 / std::sqrt(static_cast<double>(attention.head_width));
}

}  // namespace beeld
