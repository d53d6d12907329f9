#include "multimodal/update/picture_files.h"

#include <beeld/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

#include "multimodal/index/paths.h"
#include "vision/decode/formats.h"

namespace beeld {

namespace {

// Of pictures that other programs show, so that whoever has them learns that they are not searched.
constexpr std::array<std::string_view, 32> unsupported_extensions = {
    "3fr", "arw", "avif", "cr2", "cr3", "dng", "erf", "exr", "hdr", "heic", "heif",
    "hif", "ico", "j2k",  "jp2", "jpx", "jxl", "kdc", "mrw", "nef", "nrw",  "orf",
    "pcx", "pef", "psd",  "raf", "raw", "rw2", "srw", "svg", "tga", "xcf"};

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& status) {
  return {status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

/// In lower case; empty for hidden files and names without one.
std::string extension_of(const std::string& name) {
  const auto dot = name.rfind('.');
  if (dot == std::string::npos || name[0] == '.') return "";
  std::string extension = name.substr(dot + 1);
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

template <class List>
bool is_among(const std::string& extension, const List& list) {
  return std::find(list.begin(), list.end(), extension) != list.end();
}

/// Visits everything below one folder.
class Walk {
 public:
  Walk(PictureFiles& found, const std::function<bool()>& cancelled, const Exclusion& exclusion)
      : found_(found), cancelled_(cancelled), exclusion_(exclusion) {}

  void from(const std::string& root) {
    struct stat status {};
    if (::stat(root.c_str(), &status) != 0) {
      const auto code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found : ErrorCode::io;
      throw Error(code, "[index] " + root + ": " + std::strerror(errno));
    }
    if (S_ISREG(status.st_mode)) return found_.files.push_back({root, stamp_of(status)});
    if (!S_ISDIR(status.st_mode))
      throw Error(ErrorCode::invalid_argument, "[index] " + root + ": neither a folder nor a picture");

    folders_.push_back(root);
    while (!folders_.empty() || !linked_folders_.empty()) {
      auto& queue = folders_.empty() ? linked_folders_ : folders_;
      const auto folder = std::move(queue.front());
      queue.pop_front();
      visit(folder);
      if (cancelled_ && cancelled_()) {
        found_.cancelled = true;
        return;
      }
    }
  }

 private:
  void visit(const std::string& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return report(folder, std::strerror(errno));
    if (!visited_.insert({status.st_dev, status.st_ino}).second) return;

    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
      names.push_back(entry->path().filename().string());
    if (error) report(folder, error.message());
    if (::access(folder.c_str(), X_OK) != 0) return report(folder, std::strerror(errno));
    std::sort(names.begin(), names.end());
    for (const auto& name : names)
      if (name[0] != '.') look_at(folder == "/" ? "/" + name : folder + '/' + name, name);
  }

  void look_at(const std::string& path, const std::string& name) {
    if (exclusion_.covers(path)) return;
    struct stat status {};
    const auto gone = [] { return errno == ENOENT || errno == ENOTDIR || errno == ELOOP; };
    if (::lstat(path.c_str(), &status) != 0) {
      if (!gone()) report(path, std::strerror(errno));
      return;
    }
    const bool link = S_ISLNK(status.st_mode);
    if (link && ::stat(path.c_str(), &status) != 0) {
      // Where it is not known to be gone, it may be a folder whose pictures are indexed.
      if (is_picture_name(name) || !gone())
        report(path, std::string("link to something that cannot be reached: ") + std::strerror(errno));
      return;
    }
    if (S_ISDIR(status.st_mode))
      (link ? linked_folders_ : folders_).push_back(path);
    else if (S_ISREG(status.st_mode) && is_picture_name(name))
      found_.files.push_back({path, stamp_of(status)});
    else if (const auto extension = extension_of(name);
             S_ISREG(status.st_mode) && is_among(extension, unsupported_extensions))
      ++found_.unsupported[extension];
  }

  void report(const std::string& path, const std::string& reason) {
    found_.unreadable.push_back({path, reason});
  }

  PictureFiles& found_;
  const std::function<bool()>& cancelled_;
  const Exclusion& exclusion_;
  std::deque<std::string> folders_;
  std::deque<std::string> linked_folders_;  // visited after all real ones
  std::set<std::pair<dev_t, ino_t>> visited_;
};

}  // namespace

bool is_picture_name(const std::string& name) { return is_picture_extension(extension_of(name)); }

PictureFiles find_picture_files(const std::vector<std::filesystem::path>& folders,
                                const std::function<bool()>& cancelled, const Exclusion& exclusion) {
  PictureFiles found;
  for (const auto& folder : folders) {
    Walk(found, cancelled, exclusion).from(known_path(folder));
    if (found.cancelled) break;
  }
  const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  const auto same_path = [](const auto& a, const auto& b) { return a.path == b.path; };
  std::sort(found.files.begin(), found.files.end(), by_path);
  found.files.erase(std::unique(found.files.begin(), found.files.end(), same_path), found.files.end());
  std::stable_sort(found.unreadable.begin(), found.unreadable.end(), by_path);
  found.unreadable.erase(std::unique(found.unreadable.begin(), found.unreadable.end(), same_path),
                         found.unreadable.end());
  return found;
}

}  // namespace beeld
