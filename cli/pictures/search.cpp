#include <beeld/error.h>

#include <algorithm>
#include <set>

#include "cli/command.h"
#include "cli/pictures/filters.h"
#include "cli/pictures/libraries.h"
#include "cli/pictures/matches.h"
#include "cli/pictures/queries.h"
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
  MatchOptions shown;
};

/// The best matches of all libraries together; a picture that is in several counts once.
std::vector<Match> search_libraries(const std::vector<Library>& libraries, std::span<const float> query,
                                    const SearchCommandOptions& options) {
  std::vector<Match> matches;
  for (const auto& library : libraries) {
    auto request = options.search;
    request.filter.folders = library.folders;
    const auto search = [&](std::size_t count) {
      request.count = count;
      return library.index.search(query, request);
    };
    const auto some = search_library(library, options.libraries, search, options.search.count);
    matches.insert(matches.end(), some.begin(), some.end());
  }
  std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.score != b.score ? a.score > b.score : a.path < b.path;
  });
  std::set<std::filesystem::path> seen;
  std::erase_if(matches, [&](const Match& match) { return !seen.insert(match.path).second; });
  if (matches.size() > options.search.count) matches.resize(options.search.count);
  return matches;
}

ExitCode search(Session& session, const SearchCommandOptions& options) {
  look_at_query(session, options.query, options.libraries);
  const auto query = query_embedding(session.model(), options.query, prompt_templates(options.prompts));
  auto libraries = open_libraries(session, options.libraries);
  if (options.libraries.update) {
    const auto summary = update_libraries(session, libraries, options.libraries);
    if (summary.cancelled) return ExitCode::interrupted;
  }
  const auto matches = search_libraries(libraries, query, options);
  print_matches(session.output, matches, options.shown);
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
                  "A text, a picture's path or address, or a sum such as '\"beach\" + sunset.jpg - "
                  "0.5*\"people\"'")
      ->type_name("")
      ->required();
  add_library_options(command, options->libraries);
  add_prompt_options(command, options->prompts);
  command.add_option("-k,--count", options->search.count, "How many pictures to show")
      ->type_name("N")
      ->check(between(1, max_count))
      ->capture_default_str();
  // Above 1 is no mistake: nothing is found then.
  add_cosine(command, "--min-score", {options->search.min_score, 2},
             "Leave out pictures with a lower cosine, such as 0.3 or 30%")
      ->type_name("S");
  add_filter_options(command, options->search.filter);
  command.add_option("--html", options->html, "Also write a page with the pictures in this order")
      ->type_name("FILE");
  add_match_options(command, options->shown);
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
