#include "multimodal/update/folder_watch.h"

#include <beeld/error.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "multimodal/index/paths.h"
#include "multimodal/update/picture_files.h"

namespace beeld {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t watched = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// A program that keeps a file open may never close it.
constexpr std::chrono::seconds longest_pause_of_a_writer(10);
constexpr std::chrono::milliseconds turn(50);  // between two questions whether to go on
constexpr int most_turns_of_quiet = 10;

bool is_below(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder || path.starts_with(folder + '/');
}

}  // namespace

FolderWatch::FolderWatch(const std::vector<std::filesystem::path>& folders)
    : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (events_ < 0)
    throw Error(ErrorCode::io, std::string("[watch] no changes can be watched: ") + std::strerror(errno));
  try {
    for (const auto& folder : folders) {
      roots_.push_back(known_path(folder));
      if (!std::filesystem::exists(roots_.back()))
        throw Error(ErrorCode::not_found, "[watch] " + roots_.back() + ": no such folder");
      add(roots_.back());
    }
  } catch (...) {
    ::close(events_);
    throw;
  }
  changed_.clear();
}

FolderWatch::~FolderWatch() { ::close(events_); }

/// Watches a folder and all below it. What is in them already may have come before they were watched.
void FolderWatch::add(const std::string& folder) {
  const int descriptor = ::inotify_add_watch(events_, folder.c_str(), watched);
  if (descriptor < 0) {
    if (errno == ENOSPC) {
      throw Error(ErrorCode::limit,
                  "[watch] " + folder + ": more folders than /proc/sys/fs/inotify/max_user_watches allows");
    }
    return;  // it is gone again, no folder, or not to be looked into
  }
  folders_[descriptor] = folder;
  descriptors_[folder] = descriptor;
  changed_.insert(folder);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    std::error_code ignored;
    if (name[0] != '.' && entry->is_directory(ignored) && !entry->is_symlink(ignored))
      add(folder == "/" ? "/" + name : folder + '/' + name);
  }
}

void FolderWatch::forget(const std::string& folder) {
  for (auto it = descriptors_.lower_bound(folder); it != descriptors_.end();) {
    if (!is_below(it->first, folder)) {
      if (!it->first.starts_with(folder)) break;
      ++it;
      continue;
    }
    ::inotify_rm_watch(events_, it->second);
    folders_.erase(it->second);
    it = descriptors_.erase(it);
  }
}

void FolderWatch::look_at(int descriptor, std::uint32_t mask, const std::string& name) {
  if (mask & IN_Q_OVERFLOW) {  // events were lost: anything may have changed
    written_.clear();
    for (const auto& root : roots_) add(root);
    changed_.insert(roots_.begin(), roots_.end());
    return;
  }
  const auto found = folders_.find(descriptor);
  if (found == folders_.end()) return;
  const auto folder = found->second;
  if (mask & IN_IGNORED) {
    descriptors_.erase(folder);
    folders_.erase(found);
    return;
  }
  if (name.empty()) return;  // the folder itself: its parent tells
  if (name[0] == '.') return;
  const auto path = folder == "/" ? "/" + name : folder + '/' + name;
  if (mask & IN_ISDIR) {
    changed_.insert(folder);
    if (mask & (IN_MOVED_FROM | IN_DELETE)) forget(path);
    if (mask & (IN_CREATE | IN_MOVED_TO)) add(path);
    return;
  }
  if (!is_picture_name(name)) return;
  if (mask & (IN_CREATE | IN_MODIFY)) written_[path] = Clock::now();
  if (mask & (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) written_.erase(path);
  // A link, or a file that was made whole, is never closed after writing.
  if (mask & ~(IN_MODIFY)) changed_.insert(folder);
}

/// Reads what has happened, or waits for it; false where nothing did.
bool FolderWatch::read_events(std::chrono::milliseconds limit) {
  pollfd waiting{events_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return false;
  alignas(inotify_event) char bytes[16384];
  bool any = false;
  for (ssize_t length = 0; (length = ::read(events_, bytes, sizeof bytes)) > 0;) {
    for (const char* at = bytes; at < bytes + length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      const auto before = changed_.size() + written_.size();
      look_at(event->wd, event->mask, event->len > 0 ? std::string(event->name) : std::string());
      any = any || changed_.size() + written_.size() != before || (event->mask & IN_CLOSE_WRITE) != 0;
      at += sizeof *event + event->len;
    }
  }
  return any;
}

bool FolderWatch::is_being_written(const std::filesystem::path& file) const {
  const auto found = written_.find(file.string());
  return found != written_.end() && Clock::now() - found->second < longest_pause_of_a_writer;
}

std::vector<std::filesystem::path> FolderWatch::take_changed() {
  std::vector<std::filesystem::path> folders;
  std::set<std::string> there;  // a folder that is gone is a change of the one above
  for (std::filesystem::path folder : changed_) {
    while (!std::filesystem::exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
    there.insert(folder.string());
  }
  // An outer folder sorts before those inside it.
  std::string outer;
  for (const auto& folder : there) {
    if (!outer.empty() && is_below(folder, outer)) continue;
    outer = folder;
    folders.emplace_back(folder);
  }
  changed_.clear();
  return folders;
}

std::vector<std::filesystem::path> FolderWatch::wait(std::chrono::milliseconds quiet,
                                                     const std::function<bool()>& cancelled) {
  auto last = Clock::now(), first = last;
  for (;;) {
    if (cancelled && cancelled()) return {};
    const bool had_none = changed_.empty();
    if (read_events(turn)) last = Clock::now();
    // What was begun and left open is looked at as it is.
    std::erase_if(written_, [&](const auto& file) {
      const bool given_up = Clock::now() - file.second >= longest_pause_of_a_writer;
      if (given_up) changed_.insert(std::filesystem::path(file.first).parent_path().string());
      return given_up;
    });
    if (changed_.empty()) continue;
    if (had_none) first = Clock::now();
    if (Clock::now() - last >= quiet || Clock::now() - first >= most_turns_of_quiet * quiet)
      return take_changed();
  }
}

}  // namespace beeld
