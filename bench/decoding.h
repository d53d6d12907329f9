#pragma once

#include <beeld/model.h>

namespace beeld::bench {

/// Prints how long a 12-megapixel JPEG takes from the file to pixels, beside Pillow in turns.
void decoding(const Model& model);

}  // namespace beeld::bench
