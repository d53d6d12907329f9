#pragma once

#include <beeld/image.h>

#include <functional>
#include <string>

namespace beeld::cli {

/// How a terminal is shown pictures.
enum class PreviewKind { none, kitty, iterm, sixel };

/// The kind that a terminal takes, by the variables that it sets; none inside a multiplexer, which would
/// swallow it. `variable` gives the value of a variable, empty where there is none.
PreviewKind preview_of_terminal(const std::function<std::string(const char*)>& variable);

/// The bytes that make a terminal show an RGB picture, and go to the next line.
std::string preview_text(const Image& rgb, PreviewKind kind);

}  // namespace beeld::cli
