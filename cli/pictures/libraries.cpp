#include "cli/pictures/libraries.h"

#include <beeld/error.h>

#include <algorithm>

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
  sum.vanished += part.vanished;
  sum.unreadable.insert(sum.unreadable.end(), part.unreadable.begin(), part.unreadable.end());
  sum.damaged.insert(sum.damaged.end(), part.damaged.begin(), part.damaged.end());
  for (const auto& [format, count] : part.unsupported) sum.unsupported[format] += count;
}

std::string counted(std::size_t count, const char* of_one, const char* of_many) {
  return grouped(count) + " " + (count == 1 ? of_one : of_many);
}

/// What an update found that is no result: new failures by name, known ones as a number.
void report(Output& output, const UpdateSummary& sum, const LibraryOptions& options) {
  std::size_t known = 0;
  for (const auto& picture : sum.unreadable) {
    if (picture.known && !options.indexing)
      ++known;
    else
      output.failed(picture.path.string(), picture.reason);
  }
  for (const auto& picture : sum.damaged) {
    if (!picture.known || options.indexing)
      output.note(printable(picture.path.string()) +
                  ": read as far as it goes: " + printable(picture.reason));
  }
  if (options.indexing) return;
  if (known > 0)
    output.note(counted(known, "picture", "pictures") + " cannot be read; beeld index says which and why");
  if (sum.vanished > 0)
    output.note(counted(sum.vanished, "picture is", "pictures are") + " gone since the last update");
  if (sum.found == 0 && !sum.unsupported.empty())
    output.note("formats that are not read: " + unsupported_text(sum));
}

/// Another model's embeddings are kept, and this one's made, which may surprise by the time it takes.
void note_new_model(Session& session, const Library& library) {
  const auto models = Index::models(library.file);
  if (models.size() < 2 || library.index.size() > 0) return;
  session.output.note(shown_path(library.file) + ": holds embeddings of " +
                      counted(models.size() - 1, "other model", "other models") +
                      ", and none of this one yet: every picture is read");
}

[[noreturn]] void refuse_empty(const std::filesystem::path& file, const std::vector<IndexedModel>& models,
                               const ModelInfo& model) {
  std::string others;
  for (const auto& other : models)
    if (other.fingerprint != model.fingerprint) others += (others.empty() ? "" : ", ") + other.name;
  throw Error(ErrorCode::not_found, "[index] " + file.string() + ": holds embeddings of " + others +
                                        ", none of " + model.name + "; beeld index makes them");
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
  command.add_flag(
      "--reindex", options.reindex,
      "Read all pictures again, also with other decoding options than those they were read with");
  add_decode_options(command, options.decoding);
}

std::vector<LibraryFile> library_files(Session& session, const LibraryOptions& options) {
  const auto folders = existing_folders(session, options);
  if (!options.database.empty()) return {{options.database, folders}};
  std::vector<LibraryFile> libraries;
  for (const auto& folder : folders) {
    const auto file = Index::default_file(folder);
    const auto same = std::find_if(libraries.begin(), libraries.end(),
                                   [&](const LibraryFile& library) { return library.file == file; });
    if (same == libraries.end())
      libraries.push_back({file, {folder}});
    else
      same->folders.push_back(folder);
  }
  return libraries;
}

std::vector<Library> open_libraries(Session& session, const LibraryOptions& options) {
  std::vector<Library> libraries;
  for (const auto& [file, folders] : library_files(session, options)) {
    std::error_code ignored;
    const bool fills_it = options.update && !folders.empty();
    if (!fills_it && !std::filesystem::exists(file, ignored))
      throw Error(ErrorCode::not_found, "[index] " + file.string() + ": no such index; beeld index makes it");
    libraries.push_back({file, Index::open(file, session.model()), folders});
    if (fills_it) continue;
    const auto models = Index::models(file);
    if (models.size() > 1 && libraries.back().index.size() == 0)
      refuse_empty(file, models, session.model().info());
  }
  return libraries;
}

UpdateSummary update_libraries(Session& session, std::vector<Library>& libraries,
                               const LibraryOptions& options) {
  const InterruptWatch watch(AfterInterrupt::end_soon, "interrupted; what was indexed is kept");
  UpdateSummary sum;
  Progress bar(session.output, "indexing");
  for (auto& library : libraries) {
    if (library.folders.empty()) continue;
    if (!library.index.writable() && !options.indexing) {
      session.output.note(shown_path(library.file) + ": read-only, and searched as it is");
      continue;
    }
    note_new_model(session, library);
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
  report(session.output, sum, options);
  if (sum.cancelled) session.output.note("interrupted; what was indexed is kept");
  return sum;
}

std::string unsupported_text(const UpdateSummary& summary) {
  std::string text;
  for (const auto& [format, count] : summary.unsupported)
    text += (text.empty() ? "" : ", ") + grouped(count) + " " + format;
  return text;
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
