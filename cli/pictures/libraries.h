#pragma once

#include <beeld/index.h>

#include <string>
#include <vector>

#include "cli/terminal/command_line.h"
#include "cli/terminal/session.h"

namespace beeld::cli {

/// Which folders a command works on, and where their indexes are.
struct LibraryOptions {
  std::vector<std::string> folders;
  std::string database;  ///< One index file for all folders; empty: each folder's own.
  bool prune = false;
  bool reindex = false;
  bool update = true;                ///< Look for new and changed pictures first.
  bool indexing = false;             ///< That is the command's purpose: all that cannot be read is named.
  std::vector<std::string> exclude;  ///< UpdateOptions::exclude; these pictures are in no result either.
  DecodeOptions decoding;
};

/// Adds DIR..., --db, --exclude, --reindex and the decoding options.
void add_library_options(Command& command, LibraryOptions& options);

/// An index file and the folders of this run that are in it.
struct LibraryFile {
  std::filesystem::path file;
  std::vector<std::filesystem::path> folders;
};

/// The index of every folder; without folders and --db, of the current folder. A folder that does not exist
/// is reported as failed. Throws Error(not_found) where none is left.
std::vector<LibraryFile> library_files(Session& session, const LibraryOptions& options);

/// The same, open.
struct Library {
  std::filesystem::path file;
  Index index;
  std::vector<std::filesystem::path> folders;
};

/// Opens library_files(). Throws Error(not_found) where there is no index, or none of this model's
/// embeddings, and nothing would be added to it.
std::vector<Library> open_libraries(Session& session, const LibraryOptions& options);

/// Brings the indexes up to date, with a progress bar; Ctrl-C ends it early. Pictures that cannot be read are
/// reported as failed when that is found, and counted from then on. The sum of all counts.
UpdateSummary update_libraries(Session& session, std::vector<Library>& libraries,
                               const LibraryOptions& options);

/// How many pictures there are in formats that are not read: "3 heic, 1 psd"; empty where there are none.
std::string unsupported_text(const UpdateSummary& summary);

/// All pictures of all libraries that are not excluded.
IndexedPictures read_libraries(const std::vector<Library>& libraries, const LibraryOptions& options);

/// The best `count` pictures of one library that are not excluded.
std::vector<Match> search_library(const Library& library, const LibraryOptions& options,
                                  const std::function<std::vector<Match>(std::size_t count)>& search,
                                  std::size_t count);

}  // namespace beeld::cli
