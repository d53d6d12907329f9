#include "multimodal/hub/pull.h"

#include "core/base/files.h"
#include "multimodal/hub/pull_file.h"
#include "multimodal/model/families.h"

#include <beeld/error.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace beeld {

namespace fs = std::filesystem;

namespace {

/// Incomplete checkpoints lie here, in the same layout as in the store; no owner's name begins with a dot.
constexpr const char* staging_name = ".staging";

/// What was pulled, beside the checkpoint's files; tells whether a pull has anything to do.
constexpr const char* manifest_name = ".beeld-pull.json";

/// Runs a file system operation that reports by error code.
template <typename Operation>
void require(const fs::path& path, Operation operation) {
  std::error_code error;
  operation(error);
  if (error) throw Error(ErrorCode::io, "[pull] " + path.string() + ": " + error.message());
}

void make_folders(const fs::path& path) {
  require(path, [&](std::error_code& error) { fs::create_directories(path, error); });
}

/// Held while a checkpoint is pulled, so that two processes never write the same parts. The system lets go
/// of it however the process ends.
class PullLock {
 public:
  PullLock(const fs::path& staged, const HubName& name) {
    const fs::path path = staged.string() + ".lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw Error(ErrorCode::io, "[pull] " + path.string() + ": cannot create");
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd_);
      throw Error(ErrorCode::io, "[pull] " + name.text() + ": another process is pulling it");
    }
  }
  ~PullLock() { ::close(fd_); }
  PullLock(const PullLock&) = delete;
  PullLock& operator=(const PullLock&) = delete;

 private:
  int fd_ = -1;
};

std::string manifest_of(const HubListing& listing) {
  nlohmann::json files = nlohmann::json::object();
  for (const auto& file : listing.files) {
    files[file.name] = {{"size", file.size}, {"checksum", file.checksum()}};
  }
  return nlohmann::json{{"revision", listing.revision}, {"files", files}}.dump(2) + "\n";
}

/// True where exactly these files were pulled before and still have their sizes.
bool is_current(const fs::path& folder, const HubListing& listing) {
  constexpr std::size_t max_manifest_bytes = 1u << 20;
  try {
    if (read_file(folder / manifest_name, max_manifest_bytes) != manifest_of(listing)) return false;
  } catch (const Error&) {
    return false;
  }
  for (const auto& file : listing.files) {
    std::error_code error;
    if (fs::file_size(folder / file.name, error) != file.size || error || file.checksum().empty())
      return false;
  }
  return true;
}

enum class Parts { keep, remove };

/// Removes what an earlier, interrupted pull of another revision left.
void remove_others(const fs::path& folder, const HubListing& listing, Parts parts) {
  std::set<std::string> wanted{manifest_name};
  for (const auto& file : listing.files) {
    const auto name = fs::path(file.name);
    for (auto part = name; !part.empty(); part = part.parent_path()) wanted.insert(part.generic_string());
  }
  std::vector<fs::path> others;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    const bool is_part = entry.path().extension() == ".part";
    if (wanted.contains(entry.path().lexically_relative(folder).generic_string()) ||
        (is_part && parts == Parts::keep))
      continue;
    others.push_back(entry.path());
  }
  for (const auto& other : others) fs::remove_all(other, ignored);
}

/// Moves the complete folder to its place; an older one is out of the way only for that moment.
void publish(const fs::path& staged, const fs::path& place) {
  make_folders(place.parent_path());
  const auto old = staged.parent_path() / ("." + staged.filename().string() + ".old");
  std::error_code ignored;
  fs::remove_all(old, ignored);
  if (fs::exists(place, ignored)) {
    require(place, [&](std::error_code& error) { fs::rename(place, old, error); });
  }
  require(place, [&](std::error_code& error) { fs::rename(staged, place, error); });
  fs::remove_all(old, ignored);
}

/// Lets the settings' check look at what has been fetched. A checkpoint that it refuses leaves nothing
/// behind.
void check(const PullSettings& settings, const fs::path& staged, const HubName& name, FileKind latest) {
  if (!settings.check) return;
  try {
    settings.check(staged, latest);
  } catch (const Error& error) {
    std::error_code ignored;
    fs::remove_all(staged, ignored);
    std::string reason = error.what();
    const auto place = staged.string() + "/";
    for (auto at = reason.find(place); at != std::string::npos; at = reason.find(place)) {
      reason.erase(at, place.size());
    }
    throw Error(error.code(),
                "[pull] " + name.text() + ": it cannot be read, so its weights were not fetched: " + reason);
  }
}

void check_before_weights(const fs::path& folder, FileKind latest) {
  if (latest == FileKind::configuration) check_configuration(folder, FilesThere::configuration);
  if (latest == FileKind::tokenizer) check_configuration(folder, FilesThere::all_but_weights);
}

}  // namespace

fs::path pull_from(const PullSettings& settings, const HubName& name, const PullCallback& progress) {
  Hub hub(settings, name);
  const auto listing = read_listing(hub.listing(), name);
  const auto staged = stored_folder(settings.store / staging_name, name);
  make_folders(staged.parent_path());
  const PullLock lock(staged, name);
  auto place = stored_folder(settings.store, name);
  if (is_current(place, listing)) return place;

  make_folders(staged);
  remove_others(staged, listing, Parts::keep);
  for (const auto kind : {FileKind::configuration, FileKind::tokenizer, FileKind::weights}) {
    for (const auto& file : listing.files) {
      if (file.kind != kind) continue;
      make_folders((staged / file.name).parent_path());
      pull_file(hub, file, {listing.revision, staged}, progress);
    }
    if (kind != FileKind::weights) check(settings, staged, name, kind);
  }
  remove_others(staged, listing, Parts::remove);
  write_file_atomically(staged / manifest_name, manifest_of(listing));
  publish(staged, place);
  return place;
}

fs::path pull(const std::string& reference, const PullCallback& progress) {
  const auto name = parse_hub_name(reference);
  if (!name) {
    throw Error(ErrorCode::invalid_argument,
                std::string("[pull] expected ") + hub_name_form + ", got " + reference);
  }
  auto settings = settings_of_environment();
  settings.check = check_before_weights;
  return pull_from(settings, *name, progress);
}

}  // namespace beeld
