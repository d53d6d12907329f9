#include "cli/pictures/libraries.h"

#include <beeld/error.h>

#include "cli/terminal/interrupt.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "multimodal/index/exclusion.h"

namespace beeld::cli {

namespace {

std::vector<std::filesystem::path> existing_folders(Session& session, const LibraryOptions& options) {
  std::vector<std::filesystem::path> folders;
  for (const auto& folder : options.folders) {
    std::error_code error;
    const auto type = std::filesystem::status(folder, error).type();
    if (type == std::filesystem::file_type::directory)
      folders.emplace_back(folder);
    else if (type == std::filesystem::file_type::not_found)
      session.output.failed(folder, "no such folder");
    else if (type == std::filesystem::file_type::none || type == std::filesystem::file_type::unknown)
      session.output.failed(folder, error.message());
    else
      session.output.failed(folder, "a file, expected a folder of pictures");
  }
  if (folders.empty() && !options.folders.empty())
    throw Error(ErrorCode::not_found, "there is no folder to look into");
  if (folders.empty() && options.database.empty()) folders.emplace_back(".");
  return folders;
}

void add_to(UpdateSummary& sum, const UpdateSummary& part) {
  sum.found += part.found;
  sum.added += part.added;
  sum.renamed += part.renamed;
  sum.unchanged += part.unchanged;
  sum.missing += part.missing;
  sum.pruned += part.pruned;
  sum.cancelled = sum.cancelled || part.cancelled;
  sum.seconds += part.seconds;
  sum.unreadable.insert(sum.unreadable.end(), part.unreadable.begin(), part.unreadable.end());
}

}  // namespace

void add_library_options(Command& command, LibraryOptions& options) {
  command.add_list("DIR", options.folders, "Folders of pictures, with their subfolders");
  command.add_option("--db", options.database, "One index file for all folders (default: .beeld.db in each)")
      ->type_name("FILE");
  command
      .add_list(
          "--exclude", options.exclude,
          "Leave out files and folders of this name, such as '*.png' or thumbs, or of this path in DIR, such "
          "as '2019/raw*'; may be repeated")
      ->type_name("GLOB")
      ->expected(1);
  command.add_flag("--reindex", options.reindex,
                   "Start again where the index was made by another model, or with other decoding options");
  add_decode_options(command, options.decoding);
}

std::vector<Library> open_libraries(Session& session, const LibraryOptions& options) {
  const auto folders = existing_folders(session, options);
  const auto open = [&](const std::filesystem::path& file) {
    std::error_code ignored;
    const bool fills_it = options.update && !folders.empty();
    if (!fills_it && !std::filesystem::exists(file, ignored))
      throw Error(ErrorCode::not_found, "[index] " + file.string() + ": no such index; beeld index makes it");
    return Index::open(file, session.model(), options.reindex);
  };
  std::vector<Library> libraries;
  if (!options.database.empty()) {
    libraries.push_back({open(options.database), folders});
    return libraries;
  }
  for (const auto& folder : folders) libraries.push_back({open(Index::default_file(folder)), {folder}});
  return libraries;
}

UpdateSummary update_libraries(Session& session, std::vector<Library>& libraries,
                               const LibraryOptions& options) {
  const InterruptWatch watch(AfterInterrupt::end_soon, "interrupted; what was indexed is kept");
  UpdateSummary sum;
  Progress bar(session.output, "indexing");
  for (auto& library : libraries) {
    if (library.folders.empty()) continue;
    UpdateOptions update;
    update.prune = options.prune;
    update.reindex = options.reindex;
    update.decoding = options.decoding;
    update.exclude = options.exclude;
    update.cancelled = interrupted;
    update.progress = [&](const IndexProgress& progress) { bar.show(progress.done, progress.total); };
    add_to(sum, library.index.update(library.folders, update));
    if (sum.cancelled) break;
    bar.restart("indexing");
  }
  sum.cancelled = sum.cancelled || interrupted();
  bar.clear();
  for (const auto& picture : sum.unreadable) session.output.failed(picture.path.string(), picture.reason);
  if (sum.cancelled) session.output.note("interrupted; what was indexed is kept");
  return sum;
}

IndexedPictures read_libraries(const std::vector<Library>& libraries, const LibraryOptions& options) {
  IndexedPictures all;
  for (const auto& library : libraries) {
    const Exclusion exclusion(options.exclude, library.folders);
    const auto [paths, embeddings] = library.index.read_all(library.folders);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (exclusion.covers(paths[i].string())) continue;
      all.paths.push_back(paths[i]);
      all.embeddings.columns = embeddings.columns;
      all.embeddings.values.insert(all.embeddings.values.end(), embeddings[i].begin(), embeddings[i].end());
    }
  }
  all.embeddings.rows = all.paths.size();
  return all;
}

std::vector<Match> search_library(const Library& library, const LibraryOptions& options,
                                  const std::function<std::vector<Match>(std::size_t count)>& search,
                                  std::size_t count) {
  const Exclusion exclusion(options.exclude, library.folders);
  // What is left out may be among the best: as many more are asked for until enough are left.
  for (auto asked = count;; asked *= 2) {
    auto matches = search(asked);
    const bool all = matches.size() < asked;
    std::erase_if(matches, [&](const Match& match) { return exclusion.covers(match.path.string()); });
    if (all || matches.size() >= count) return matches;
  }
}

}  // namespace beeld::cli
