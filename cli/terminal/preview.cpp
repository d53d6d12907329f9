#include "cli/terminal/preview.h"

#include <algorithm>
#include <string_view>

#include "multimodal/page/gallery_text.h"
#include "multimodal/page/gallery_thumbnail.h"

namespace beeld::cli {

namespace {

std::string kitty(const Image& rgb) {
  constexpr std::size_t most_at_once = 4096;
  const auto bytes = base64({reinterpret_cast<const char*>(rgb.samples.data()), rgb.samples.size()});
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += most_at_once) {
    const bool more = at + most_at_once < bytes.size();
    text += "\x1b_G";
    if (at == 0) text += "a=T,f=24,s=" + std::to_string(rgb.width) + ",v=" + std::to_string(rgb.height) + ",";
    text += std::string("m=") + (more ? "1" : "0") + ";" + bytes.substr(at, most_at_once) + "\x1b\\";
  }
  return text;
}

std::string iterm(const Image& rgb) {
  constexpr int quality = 85;
  const auto jpeg = encode_jpeg(rgb, quality);
  return "\x1b]1337;File=inline=1;size=" + std::to_string(jpeg.size()) +
         ";width=" + std::to_string(rgb.width) + "px;height=" + std::to_string(rgb.height) +
         "px:" + base64(jpeg) + "\x07";
}

// Sixel: 6 levels of each colour, bands of 6 rows, in each band a line for every colour that occurs in it.

constexpr int levels = 6;
constexpr int band_height = 6;

/// The colour of a pixel, with the threshold of its place in a 4 x 4 pattern (Bayer 1973).
int colour_at(const Image& rgb, int x, int y) {
  constexpr int bayer[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
  const auto* pixel = &rgb.samples[(static_cast<std::size_t>(y) * static_cast<std::size_t>(rgb.width) +
                                    static_cast<std::size_t>(x)) *
                                   3];
  int colour = 0;
  for (int c = 0; c < 3; ++c) {
    const int scaled = pixel[c] * (levels - 1) * 16 + 255 * bayer[y % 4][x % 4];
    colour = colour * levels + std::min(scaled / (255 * 16), levels - 1);
  }
  return colour;
}

/// One letter for the pixels of a colour in a column, runs of the same one shortened.
std::string band_line(const std::vector<int>& band, int width, int colour) {
  std::string line;
  char last = 0;
  int run = 0;
  const auto flush = [&] {
    if (run > 3)
      line += "!" + std::to_string(run) + last;
    else
      line += std::string(static_cast<std::size_t>(run), last);
    run = 0;
  };
  for (int x = 0; x < width; ++x) {
    int bits = 0;
    for (int row = 0; row < band_height; ++row)
      if (band[static_cast<std::size_t>(row * width + x)] == colour) bits |= 1 << row;
    const char letter = static_cast<char>('?' + bits);
    if (letter != last) flush();
    last = letter;
    ++run;
  }
  flush();
  return line;
}

std::string sixel(const Image& rgb) {
  std::string text = "\x1bPq\"1;1;" + std::to_string(rgb.width) + ";" + std::to_string(rgb.height);
  const auto percent = [](int level) { return std::to_string(level * 100 / (levels - 1)); };
  for (int colour = 0; colour < levels * levels * levels; ++colour) {
    text += "#" + std::to_string(colour) + ";2;" + percent(colour / (levels * levels)) + ";" +
            percent(colour / levels % levels) + ";" + percent(colour % levels);
  }
  for (int top = 0; top < rgb.height; top += band_height) {
    std::vector<int> band(static_cast<std::size_t>(band_height * rgb.width), -1);
    std::vector<bool> used(levels * levels * levels);
    for (int row = 0; row < std::min(band_height, rgb.height - top); ++row) {
      for (int x = 0; x < rgb.width; ++x) {
        const int colour = colour_at(rgb, x, top + row);
        band[static_cast<std::size_t>(row * rgb.width + x)] = colour;
        used[static_cast<std::size_t>(colour)] = true;
      }
    }
    for (int colour = 0; colour < levels * levels * levels; ++colour)
      if (used[static_cast<std::size_t>(colour)])
        text += "#" + std::to_string(colour) + band_line(band, rgb.width, colour) + "$";
    text += "-";
  }
  return text + "\x1b\\";
}

}  // namespace

PreviewKind preview_of_terminal(const std::function<std::string(const char*)>& variable) {
  const auto terminal = variable("TERM"), program = variable("TERM_PROGRAM");
  const bool multiplexer =
      !variable("TMUX").empty() || terminal.starts_with("screen") || terminal.starts_with("tmux");
  if (multiplexer) return PreviewKind::none;
  if (terminal.find("kitty") != std::string::npos || terminal.find("ghostty") != std::string::npos ||
      !variable("KITTY_WINDOW_ID").empty())
    return PreviewKind::kitty;
  for (const char* name : {"iTerm.app", "WezTerm", "mintty"})
    if (program == name) return PreviewKind::iterm;
  if (variable("LC_TERMINAL") == "iTerm2") return PreviewKind::iterm;
  for (const char* name : {"sixel", "mlterm", "foot", "contour", "yaft"})
    if (terminal.find(name) != std::string::npos) return PreviewKind::sixel;
  return PreviewKind::none;
}

std::string preview_text(const Image& rgb, PreviewKind kind) {
  switch (kind) {
    case PreviewKind::none:
      return "";
    case PreviewKind::kitty:
      return kitty(rgb) + "\n";
    case PreviewKind::iterm:
      return iterm(rgb) + "\n";
    case PreviewKind::sixel:
      return sixel(rgb) + "\n";
  }
  return "";
}

}  // namespace beeld::cli
