#include "vision/preprocess/values.h"

#include <algorithm>
#include <utility>

#include "vision/preprocess/preprocess.h"

namespace beeld {

void wrong_value(const Settings& settings, const std::string& key, const std::string& expected) {
  throw Error(ErrorCode::corrupt,
              "[config] " + settings.origin() + ": \"" + key + "\" should be " + expected);
}

Triple read_triple(Settings& settings, const std::string& key, const Triple& fallback) {
  const auto& value = settings.raw(key);
  if (value.is_null()) return fallback;
  if (value.is_number()) {
    Triple triple;
    triple.fill(value.get<double>());
    return triple;
  }
  const auto is_number = [](const nlohmann::json& item) { return item.is_number(); };
  if (!value.is_array() || value.size() != 3 || !std::all_of(value.begin(), value.end(), is_number))
    wrong_value(settings, key, "a list of three numbers");
  return {value[0].get<double>(), value[1].get<double>(), value[2].get<double>()};
}

std::int64_t read_edge(const nlohmann::json& value, const Settings& settings, const std::string& key) {
  constexpr std::int64_t longest = 16384;
  // Read as floating point: an integer outside 64 bits must not wrap into the range.
  if (!value.is_number_integer() || value.get<double>() < 1 || value.get<double>() > longest)
    wrong_value(settings, key, "made of whole numbers from 1 to " + std::to_string(longest));
  return value.get<std::int64_t>();
}

Filter filter_of_name(const std::string& name, const Settings& settings) {
  constexpr std::array<std::pair<const char*, Filter>, 6> names = {{{"nearest", Filter::nearest},
                                                                    {"box", Filter::box},
                                                                    {"bilinear", Filter::bilinear},
                                                                    {"hamming", Filter::hamming},
                                                                    {"bicubic", Filter::bicubic},
                                                                    {"lanczos", Filter::lanczos}}};
  for (const auto& [known, filter] : names) {
    if (name == known) return filter;
  }
  throw Error(ErrorCode::unsupported,
              "[config] " + settings.origin() + ": unknown interpolation \"" + name + "\"");
}

Normalization make_normalization(const Triple& mean, const Triple& deviation, const Settings& settings) {
  Normalization normalization;
  for (std::size_t i = 0; i < 3; ++i) {
    normalization.mean[i] = static_cast<float>(mean[i]);
    normalization.deviation[i] = static_cast<float>(deviation[i]);
    if (normalization.deviation[i] == 0) wrong_value(settings, "std", "a deviation other than zero");
  }
  return normalization;
}

}  // namespace beeld
