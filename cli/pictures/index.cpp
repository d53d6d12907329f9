#include <beeld/error.h>
#include <beeld/store.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/command.h"
#include "cli/pictures/libraries.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/options.h"
#include "multimodal/index/paths.h"
#include "multimodal/update/folder_watch.h"

namespace beeld::cli {

namespace {

void print_json(Output& output, const UpdateSummary& summary) {
  const auto listed = [](const std::vector<UnreadablePicture>& pictures) {
    Json list = Json::array();
    for (const auto& picture : pictures)
      list.push_back({{"path", json_path(picture.path)}, {"error", picture.reason}});
    return list;
  };
  output.object({{"found", summary.found},
                 {"added", summary.added},
                 {"renamed", summary.renamed},
                 {"unchanged", summary.unchanged},
                 {"missing", summary.missing},
                 {"pruned", summary.pruned},
                 {"unreadable", listed(summary.unreadable)},
                 {"damaged", listed(summary.damaged)},
                 {"unsupported", Json(summary.unsupported)},
                 {"cancelled", summary.cancelled},
                 {"seconds", summary.seconds}});
}

void print_text(Output& output, const UpdateSummary& summary) {
  std::string text = grouped(summary.found) + " pictures found: " + grouped(summary.added) + " added, " +
                     grouped(summary.renamed) + " renamed, " + grouped(summary.unchanged) + " unchanged, " +
                     grouped(summary.unreadable.size()) + " unreadable";
  if (!summary.damaged.empty()) text += ", " + grouped(summary.damaged.size()) + " damaged";
  if (!summary.unsupported.empty()) text += ", not read: " + unsupported_text(summary);
  if (summary.missing > 0) text += ", " + grouped(summary.missing) + " gone (--prune forgets them)";
  if (summary.pruned > 0) text += ", " + grouped(summary.pruned) + " forgotten";
  output.text(text + "; " + fixed(summary.seconds, 1) + " s\n");
}

void print(Output& output, const UpdateSummary& summary) {
  output.json() ? print_json(output, summary) : print_text(output, summary);
}

struct IndexCommandOptions {
  LibraryOptions libraries;
  bool check = false;
  bool watch = false;
  std::string drop_model;
};

/// By the name under which the index knows the model, or as --model names it.
void drop_model(const std::filesystem::path& file, const std::string& model) {
  try {
    Index::drop_model(file, model);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    std::string fingerprint;
    try {
      fingerprint = Model::load(resolve_model(model)).info().fingerprint;
    } catch (const Error&) {
      throw error;  // it says what the index knows
    }
    Index::drop_model(file, fingerprint);
  }
}

/// False where something was damaged.
bool check(Output& output, const std::filesystem::path& file) {
  const auto found = Index::check(file);
  if (output.json()) {
    output.object({{"index", json_path(file)},
                   {"pictures", found.pictures},
                   {"embeddings", found.embeddings},
                   {"corrupt", found.damaged}});
  } else {
    output.text(shown_path(file) + ": " + grouped(found.pictures) + " pictures and " +
                grouped(found.embeddings) + " embeddings are whole\n");
  }
  if (found.damaged)
    output.failed(file.string(), "was damaged: what is whole is kept, the rest is made again");
  return !found.damaged;
}

/// Those of `changed` that belong to a library.
std::vector<std::filesystem::path> changed_in(const Library& library,
                                              const std::vector<std::filesystem::path>& changed) {
  std::vector<std::filesystem::path> mine;
  const auto ranges = ranges_below(library.folders);
  for (const auto& folder : changed) {
    const auto path = known_path(folder);
    const bool below = std::any_of(ranges.begin(), ranges.end(), [&](const PathRange& range) {
      return path >= range.first && path < range.end;
    });
    if (below) mine.push_back(folder);
  }
  return mine;
}

constexpr const char* watching_ends = "interrupted; what was indexed is kept";

/// Keeps the indexes fresh until Ctrl-C.
void watch_folders(Session& session, std::vector<Library>& libraries, const LibraryOptions& options,
                   FolderWatch& watch) {
  constexpr std::chrono::milliseconds quiet(300);
  session.output.note("watching; Ctrl-C ends it");
  session.output.finish();
  while (!interrupted()) {
    std::vector<std::filesystem::path> changed;
    {
      const InterruptWatch noted(AfterInterrupt::end_soon, watching_ends);
      changed = watch.wait(quiet, interrupted);
    }
    for (auto& library : libraries) {
      const auto folders = changed_in(library, changed);
      if (folders.empty() || interrupted()) continue;
      UpdateOptions update;
      update.prune = options.prune;
      update.exclude = options.exclude;
      update.decoding = options.decoding;
      update.cancelled = interrupted;
      update.postponed = [&](const std::filesystem::path& file) { return watch.is_being_written(file); };
      const InterruptWatch noted(AfterInterrupt::end_soon, watching_ends);
      const auto summary = library.index.update(folders, update);
      for (const auto& picture : summary.unreadable)
        if (!picture.known) session.output.failed(picture.path.string(), picture.reason);
      if (summary.added + summary.renamed + summary.vanished > 0) print(session.output, summary);
      session.output.finish();
    }
  }
}

ExitCode index_folders(Session& session, IndexCommandOptions options) {
  auto& libraries = options.libraries;
  if (!options.drop_model.empty()) {
    for (const auto& [file, folders] : library_files(session, libraries))
      drop_model(file, options.drop_model);
    return session.status();
  }
  if (options.check) {
    bool whole = true;
    for (const auto& [file, folders] : library_files(session, libraries))
      whole = check(session.output, file) && whole;
    if (whole) return session.status();
  }
  auto opened = open_libraries(session, libraries);
  std::optional<FolderWatch> watch;  // from before the update, so that nothing comes between
  if (options.watch) {
    std::vector<std::filesystem::path> folders;
    for (const auto& library : opened)
      folders.insert(folders.end(), library.folders.begin(), library.folders.end());
    watch.emplace(folders);
  }
  const auto summary = update_libraries(session, opened, libraries);
  print(session.output, summary);
  if (summary.cancelled) return ExitCode::interrupted;
  if (!watch) return session.status();
  watch_folders(session, opened, libraries, *watch);
  return ExitCode::interrupted;
}

}  // namespace

void add_index(Command& app, Session& session) {
  auto& command = *app.add_subcommand(
      "index", "Embed the pictures of folders and keep the result; only what is new or changed is read");
  const auto options = std::make_shared<IndexCommandOptions>();
  options->libraries.indexing = true;
  add_library_options(command, options->libraries);
  command.get_option("DIR")->required();
  command.add_flag("--prune", options->libraries.prune, "Forget pictures whose files are gone");
  command.add_flag("--check", options->check,
                   "Verify every checksum of the index; what is damaged is read again");
  command.add_flag("--watch", options->watch, "Go on, and keep the index fresh while the folders change");
  command
      .add_option("--drop-model", options->drop_model,
                  "Only forget the embeddings of this model, one of those that the index was used with")
      ->type_name("REF");
  add_examples(
      command,
      "  beeld index ~/Pictures\n"
      "  beeld index ~/Pictures --watch\n"
      "  beeld index /photos/2023 /photos/2024 --db photos.db --prune --json\n"
      "Ctrl-C keeps what is done; the next run goes on from there. Every model has its own embeddings in\n"
      "the same index.");
  command.callback([&session, options] {
    session.run = [&session, options] { return index_folders(session, *options); };
  });
}

}  // namespace beeld::cli
