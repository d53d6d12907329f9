#pragma once

#include <array>
#include <string>

#include "core/format/settings.h"
#include "vision/preprocess/resample.h"

namespace beeld {

using Triple = std::array<double, 3>;

/// Throws Error(corrupt) saying what `key` should have been.
[[noreturn]] void wrong_value(const Settings& settings, const std::string& key, const std::string& expected);

/// Three numbers, or one number for all three channels; `fallback` where absent.
Triple read_triple(Settings& settings, const std::string& key, const Triple& fallback);

/// A side in pixels, 1 to 16384.
std::int64_t read_edge(const nlohmann::json& value, const Settings& settings, const std::string& key);

/// A filter by its name in Pillow, lower case. Throws Error(unsupported).
Filter filter_of_name(const std::string& name, const Settings& settings);

/// Mean and deviation in single precision. Throws Error(corrupt) for a deviation of zero.
struct Normalization make_normalization(const Triple& mean, const Triple& deviation,
                                        const Settings& settings);

}  // namespace beeld
