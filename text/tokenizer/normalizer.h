#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace beeld {

/// The first step of a tokenizer: valid UTF-8 to valid UTF-8. Const and thread-safe.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual std::string apply(std::string_view text) const = 0;
};

/// Whether clean-up drops code points that mean nothing: Python's BERT does, Hugging Face's tokenizers do
/// not.
enum class Unassigned { drop, keep };

struct BertNormalizerOptions {
  bool clean_text = true;            ///< Drop control characters, make white space plain spaces.
  bool handle_chinese_chars = true;  ///< A space before and behind every ideograph.
  bool strip_accents = true;
  bool lowercase = true;
  Unassigned unassigned = Unassigned::keep;
};

std::unique_ptr<const Normalizer> make_bert_normalizer(const BertNormalizerOptions& options);
std::unique_ptr<const Normalizer> make_lowercase();

/// One after the other; null entries are skipped.
std::unique_ptr<const Normalizer> make_sequence(std::unique_ptr<const Normalizer> first,
                                                std::unique_ptr<const Normalizer> second);

/// The `normalizer` of a tokenizer.json; null for null. Throws Error: corrupt, or unsupported for a type this
/// version does not have.
std::unique_ptr<const Normalizer> read_normalizer(const nlohmann::json& value, const std::string& origin);

}  // namespace beeld
