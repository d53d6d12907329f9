#include "core/tensor/sequences.h"

namespace beeld {

Sequences Sequences::equal(std::int64_t count, std::int64_t length) {
  Sequences sequences;
  for (std::int64_t b = 0; b < count; ++b) sequences.append(length);
  return sequences;
}

}  // namespace beeld
