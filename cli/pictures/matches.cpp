#include "cli/pictures/matches.h"

#include <unistd.h>

#include <cstdlib>

#include "cli/pictures/filters.h"
#include "cli/terminal/preview.h"
#include "multimodal/page/gallery_thumbnail.h"

namespace beeld::cli {

namespace {

constexpr Box preview_box{320, 160};

PreviewKind kind_of(Output& output, const std::string& wanted) {
  if (wanted == "kitty") return PreviewKind::kitty;
  if (wanted == "iterm") return PreviewKind::iterm;
  if (wanted == "sixel") return PreviewKind::sixel;
  if (wanted.empty() || ::isatty(STDOUT_FILENO) != 1) return PreviewKind::none;
  const auto kind = preview_of_terminal([](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  });
  if (kind == PreviewKind::none)
    output.note(
        "this terminal is not known to show pictures; --preview=kitty, iterm or sixel says how it does");
  return kind;
}

void print_json(Output& output, const Match& match) {
  Json line = {{"path", json_path(match.path)}, {"score", json_number(match.score)}};
  if (match.taken) line["taken"] = time_text(*match.taken);
  if (match.place)
    line["place"] = {{"latitude", match.place->latitude}, {"longitude", match.place->longitude}};
  output.object(line);
}

void print_preview(Output& output, const std::filesystem::path& path, PreviewKind kind) {
  if (kind == PreviewKind::none) return;
  try {
    output.text(preview_text(fit_picture(path, preview_box).image, kind));
  } catch (const std::exception& error) {
    output.failed(path.string(), error.what());
  }
}

}  // namespace

void add_match_options(Command& command, MatchOptions& options) {
  command.add_flag("--paths", options.paths, "Print paths alone, one a line");
  command.add_flag("-0,--null", options.zeros,
                   "Print paths alone, each ended by a zero byte, as for xargs -0");
  auto kinds = one_of({"kitty", "iterm", "sixel"});
  kinds.complaint = [check = kinds.complaint](const std::string& text) {
    return text == "true" ? "" : check(text);
  };
  command
      .add_flag_with_word(
          "--preview", options.preview,
          "Show small pictures in a terminal that can, by kitty's, iTerm's or sixel's way; the "
          "terminal's own way where none is named")
      ->type_name("KIND")
      ->check(std::move(kinds));
}

void print_matches(Output& output, const std::vector<Match>& matches, const MatchOptions& options) {
  const auto kind = output.json() ? PreviewKind::none : kind_of(output, options.preview);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (output.json()) {
      print_json(output, matches[i]);
      continue;
    }
    const auto& path = matches[i].path;
    if (options.paths || options.zeros) {
      output.text(near_path(path).string() + (options.zeros ? '\0' : '\n'));
      continue;
    }
    std::string rank = std::to_string(i + 1);
    rank.insert(0, rank.size() < 4 ? 4 - rank.size() : 0, ' ');
    output.text(rank + "  " + fixed(matches[i].score, 4) + "  " + shown_path(path) + "\n");
    print_preview(output, path, kind);
  }
}

}  // namespace beeld::cli
