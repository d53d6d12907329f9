#pragma once

#include <beeld/image.h>

#include <cstddef>
#include <string>

#include "multimodal/index/database.h"

namespace beeld {

/// The model an index belongs to.
struct ModelIdentity {
  std::string name;         ///< For messages.
  std::string fingerprint;  ///< What is compared.
  std::size_t dimension = 0;
};

/// What to do with an index that another model, or another way of decoding, made.
enum class OtherModel {
  refuse,
  start_again,  ///< Forget its pictures.
};

/// Creates the tables of a new file, or checks that the file is an index of `model`, and returns the
/// library's id: 16 random bytes that are new whenever the index is created or started again.
///
/// With `decoding`, which whoever adds pictures must give, all pictures of the index are or will be decoded
/// that way: the first such call for a library settles its orientation and exactness.
///
/// Throws Error: corrupt (no index of beeld), unsupported (made by a newer version), invalid_argument (made
/// by another model or decoding; the message names both and says what to do), io.
std::string adopt_index(const Database& database, const ModelIdentity& model, OtherModel other,
                        const DecodeOptions* decoding = nullptr);

}  // namespace beeld
