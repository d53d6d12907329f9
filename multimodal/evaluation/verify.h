#pragma once

#include <beeld/model.h>

#include <filesystem>
#include <string>
#include <vector>

namespace beeld {

struct VerifiedValue {
  std::string what;  ///< For example `logit of "a photo of a cat"`.
  float expected = 0;
  float got = 0;

  float difference() const;
};

/// A model's outputs beside the published ones.
struct Verification {
  std::vector<VerifiedValue> values;
  float tolerance = 0;  ///< Largest difference that counts as equal.

  bool passed() const;
};

/// Compares a published checkpoint with the outputs that its authors' library documents for `photo`, picture
/// 000000039769 of COCO val2017 (two cats on a sofa). The checkpoint is known by its folder's name, as pull()
/// gives it.
///
/// Throws Error(not_found) for a checkpoint without published outputs; the message lists those that have
/// them.
Verification verify_model(const Model& model, const std::filesystem::path& photo);

}  // namespace beeld
