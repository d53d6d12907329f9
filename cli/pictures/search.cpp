#include <beeld/error.h>

#include <algorithm>
#include <set>

#include "cli/command.h"
#include "cli/pictures/filters.h"
#include "cli/pictures/libraries.h"
#include "cli/terminal/options.h"
#include "multimodal/page/gallery.h"

namespace beeld::cli {

namespace {

struct SearchCommandOptions {
  std::string query;
  LibraryOptions libraries;
  PromptOptions prompts;
  SearchOptions search;
  std::string html;
};

/// The best matches of all libraries together; a picture that is in several counts once.
std::vector<Match> search_libraries(const std::vector<Library>& libraries, std::span<const float> query,
                                    SearchOptions options) {
  std::vector<Match> matches;
  for (const auto& library : libraries) {
    options.filter.folders = library.folders;
    const auto some = library.index.search(query, options);
    matches.insert(matches.end(), some.begin(), some.end());
  }
  std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.score != b.score ? a.score > b.score : a.path < b.path;
  });
  std::set<std::filesystem::path> seen;
  std::erase_if(matches, [&](const Match& match) { return !seen.insert(match.path).second; });
  if (matches.size() > options.count) matches.resize(options.count);
  return matches;
}

void print_json(Output& output, const Match& match) {
  Json line = {{"path", json_path(match.path)}, {"score", json_number(match.score)}};
  if (match.taken) line["taken"] = time_text(*match.taken);
  if (match.place)
    line["place"] = {{"latitude", match.place->latitude}, {"longitude", match.place->longitude}};
  output.object(line);
}

void print(Output& output, const std::vector<Match>& matches) {
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (output.json()) {
      print_json(output, matches[i]);
      continue;
    }
    std::string rank = std::to_string(i + 1);
    rank.insert(0, rank.size() < 4 ? 4 - rank.size() : 0, ' ');
    output.text(rank + "  " + fixed(matches[i].score, 4) + "  " + shown_path(matches[i].path) + "\n");
  }
}

ExitCode search(Session& session, const SearchCommandOptions& options) {
  const auto query = query_embedding(session.model(), options.query, prompt_templates(options.prompts));
  auto libraries = open_libraries(session, options.libraries);
  if (options.libraries.update) {
    const auto summary = update_libraries(session, libraries, options.libraries);
    if (summary.cancelled) return ExitCode::interrupted;
  }
  const auto matches = search_libraries(libraries, query, options.search);
  print(session.output, matches);
  if (matches.empty()) session.output.note("no pictures match");
  if (!options.html.empty()) write_gallery(options.html, {{options.query, matches}});
  return session.status();
}

}  // namespace

void add_search(Command& app, Session& session) {
  auto& command = *app.add_subcommand(
      "search", "Rank the pictures of folders by a sentence, a picture, or a sum of both");
  const auto options = std::make_shared<SearchCommandOptions>();
  command
      .add_option("QUERY", options->query,
                  "A text, a picture's path, or a sum such as '\"beach\" + sunset.jpg - 0.5*\"people\"'")
      ->type_name("")
      ->required();
  add_library_options(command, options->libraries);
  add_prompt_options(command, options->prompts);
  command.add_option("-k,--count", options->search.count, "How many pictures to show")
      ->type_name("N")
      ->check(between(1, max_count))
      ->capture_default_str();
  command.add_option("--min-score", options->search.min_score, "Leave out pictures with a lower cosine")
      ->type_name("S");
  add_filter_options(command, options->search.filter);
  command.add_option("--html", options->html, "Also write a page with the pictures in this order")
      ->type_name("FILE");
  command.add_flag_callback(
      "--no-index", [options] { options->libraries.update = false; }, "Search only what is indexed already");
  add_examples(
      command,
      "  beeld search \"two dogs in the snow\" ~/Pictures\n"
      "  beeld search '\"beach\" + sunset.jpg - \"people\"' ~/Pictures -k 20 --html found.html\n"
      "  beeld search \"a birthday cake\" ~/Pictures --since 2023-06 --until 2023-08 --near 52.37,4.89,10\n"
      "  beeld search '2*\"snow\" + \"mountain\"' --db photos.db --json\n"
      "Without DIR the current folder is searched; with --db alone, all of that index.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return search(session, *options); }; });
}

}  // namespace beeld::cli
