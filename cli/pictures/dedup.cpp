#include <beeld/cluster.h>

#include "cli/command.h"
#include "cli/pictures/libraries.h"
#include "cli/terminal/options.h"
#include "multimodal/page/duplicates_page.h"

namespace beeld::cli {

namespace {

struct DedupOptions {
  LibraryOptions libraries;
  float threshold = 0.95f;
  std::string html;
  Linkage linkage = Linkage::complete;
};

void print(Output& output, const DuplicateGroup& group, const std::vector<std::filesystem::path>& paths) {
  if (output.json()) {
    Json members = Json::array();
    for (const std::size_t row : group.rows) members.push_back(json_path(paths[row]));
    output.object({{"paths", members},
                   {"similarity", json_number(group.similarity)},
                   {"lowest", json_number(group.lowest)}});
    return;
  }
  output.text(fixed(group.similarity, 4) +
              (group.rows.size() > 2 ? "  lowest " + fixed(group.lowest, 4) : std::string()) + "\n");
  for (const std::size_t row : group.rows) output.text("    " + shown_path(paths[row]) + "\n");
}

void write_page(const std::string& file, const std::vector<DuplicateGroup>& groups,
                const std::vector<std::filesystem::path>& paths) {
  std::vector<DuplicateSection> sections;
  for (const auto& group : groups) {
    DuplicateSection section{{}, group.similarity};
    for (const std::size_t row : group.rows) section.paths.push_back(paths[row]);
    sections.push_back(std::move(section));
  }
  write_duplicates(file, sections);
}

ExitCode dedup(Session& session, const DedupOptions& options) {
  auto libraries = open_libraries(session, options.libraries);
  if (update_libraries(session, libraries, options.libraries).cancelled) return ExitCode::interrupted;
  const auto [paths, rows] = read_libraries(libraries, options.libraries);
  const auto groups = near_duplicates(rows, options.threshold, options.linkage);
  for (const auto& group : groups) print(session.output, group, paths);
  if (!options.html.empty()) write_page(options.html, groups, paths);
  if (groups.empty()) session.output.note("no near-duplicates among " + grouped(paths.size()) + " pictures");
  return session.status();
}

}  // namespace

void add_dedup(Command& app, Session& session) {
  auto& command = *app.add_subcommand("dedup", "Find groups of pictures that are nearly the same");
  const auto options = std::make_shared<DedupOptions>();
  add_library_options(command, options->libraries);
  command.get_option("DIR")->required();
  add_cosine(command, "--threshold", {options->threshold},
             "Cosine from which two pictures count as the same (default: 0.95)")
      ->type_name("T");
  command
      .add_option(
          "--html", options->html,
          "Also write a page with the copies of each group side by side, their sizes, and the best marked")
      ->type_name("FILE");
  command.add_flag_callback(
      "--chains", [options] { options->linkage = Linkage::single; },
      "Also group pictures that are the same only through others, step by step");
  add_examples(
      command,
      "  beeld dedup ~/Pictures --html copies.html\n"
      "  beeld dedup ~/Pictures --threshold 98% --json\n"
      "Every two pictures of a group are the same, unless --chains. A group's first number is its weakest\n"
      "link, the cosine from which on it falls apart; \"lowest\" is the cosine of its least alike pair.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return dedup(session, *options); }; });
}

}  // namespace beeld::cli
