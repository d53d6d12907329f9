#include "cli/command.h"
#include "cli/pictures/libraries.h"
#include "cli/terminal/options.h"

namespace beeld::cli {

namespace {

void print_json(Output& output, const UpdateSummary& summary) {
  Json unreadable = Json::array();
  for (const auto& picture : summary.unreadable)
    unreadable.push_back({{"path", json_path(picture.path)}, {"error", picture.reason}});
  output.object({{"found", summary.found},
                 {"added", summary.added},
                 {"renamed", summary.renamed},
                 {"unchanged", summary.unchanged},
                 {"missing", summary.missing},
                 {"pruned", summary.pruned},
                 {"unreadable", unreadable},
                 {"cancelled", summary.cancelled},
                 {"seconds", summary.seconds}});
}

void print_text(Output& output, const UpdateSummary& summary) {
  std::string text = grouped(summary.found) + " pictures found: " + grouped(summary.added) + " added, " +
                     grouped(summary.renamed) + " renamed, " + grouped(summary.unchanged) + " unchanged, " +
                     grouped(summary.unreadable.size()) + " unreadable";
  if (summary.missing > 0) text += ", " + grouped(summary.missing) + " gone (--prune forgets them)";
  if (summary.pruned > 0) text += ", " + grouped(summary.pruned) + " forgotten";
  output.text(text + "; " + fixed(summary.seconds, 1) + " s\n");
}

ExitCode index_folders(Session& session, const LibraryOptions& options) {
  auto libraries = open_libraries(session, options);
  const auto summary = update_libraries(session, libraries, options);
  if (session.output.json())
    print_json(session.output, summary);
  else
    print_text(session.output, summary);
  return summary.cancelled ? ExitCode::interrupted : session.status();
}

}  // namespace

void add_index(Command& app, Session& session) {
  auto& command = *app.add_subcommand(
      "index", "Embed the pictures of folders and keep the result; only what is new or changed is read");
  const auto options = std::make_shared<LibraryOptions>();
  add_library_options(command, *options);
  command.get_option("DIR")->required();
  command.add_flag("--prune", options->prune, "Forget pictures whose files are gone");
  add_examples(command,
               "  beeld index ~/Pictures\n"
               "  beeld index /photos/2023 /photos/2024 --db photos.db --prune --json\n"
               "Ctrl-C keeps what is done; the next run goes on from there.");
  command.callback([&session, options] {
    session.run = [&session, options] { return index_folders(session, *options); };
  });
}

}  // namespace beeld::cli
