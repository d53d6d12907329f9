#include "multimodal/hub/pull_file.h"

#include "core/base/digest.h"

#include <beeld/error.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <vector>

namespace beeld {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t hash_buffer_bytes = 1u << 20;
constexpr std::chrono::milliseconds progress_interval{100};

[[noreturn]] void fail(const fs::path& path, const char* action) {
  const int reason = errno;
  throw Error(ErrorCode::io, "[pull] " + path.string() + ": cannot " + action + ": " + std::strerror(reason));
}

/// A partial file on disk, which bytes are appended to.
class PartReceiver : public Receiver {
 public:
  PartReceiver(fs::path path, const HubFile& file, const PullCallback& progress)
      : path_(std::move(path)), file_(file), progress_(progress) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) fail(path_, "write");
    held_ = static_cast<std::uint64_t>(::lseek(fd_, 0, SEEK_END));
    if (held_ > file_.size || file_.checksum().empty()) restart();
  }
  ~PartReceiver() override { ::close(fd_); }
  PartReceiver(const PartReceiver&) = delete;
  PartReceiver& operator=(const PartReceiver&) = delete;

  std::uint64_t held() const override { return held_; }
  bool complete() const { return held_ == file_.size; }

  void restart() {
    if (::ftruncate(fd_, 0) != 0) fail(path_, "write");
    held_ = 0;
  }

  void write(std::uint64_t position, std::string_view piece) override {
    if (position == 0 && held_ != 0) restart();
    if (piece.size() > file_.size - held_) {
      restart();
      throw Error(ErrorCode::corrupt, "[pull] " + file_.name + ": expected " + std::to_string(file_.size) +
                                          " bytes, but the server sends more");
    }
    while (!piece.empty()) {
      const auto count = ::pwrite(fd_, piece.data(), piece.size(), static_cast<off_t>(held_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path_, "write");
      held_ += static_cast<std::uint64_t>(count);
      piece.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void tick() override {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_report_ < progress_interval) return;
    last_report_ = now;
    report();
  }

  void report() const {
    if (progress_) progress_({file_.name, held_, file_.size});
  }

  void sync() const {
    if (::fsync(fd_) != 0) fail(path_, "write");
  }

 private:
  fs::path path_;
  const HubFile& file_;
  const PullCallback& progress_;
  int fd_ = -1;
  std::uint64_t held_ = 0;
  std::chrono::steady_clock::time_point last_report_{};
};

std::string checksum_of(const fs::path& path, const HubFile& file) {
  Digest digest(file.sha256.empty() ? HashFunction::sha1 : HashFunction::sha256);
  if (file.sha256.empty()) {
    digest.add("blob " + std::to_string(file.size));
    digest.add(std::string_view("\0", 1));
  }
  std::ifstream input(path, std::ios::binary);
  std::vector<char> buffer(hash_buffer_bytes);
  while (input) {
    input.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.add(std::string_view(buffer.data(), static_cast<std::size_t>(input.gcount())));
  }
  if (input.bad()) fail(path, "read");
  return digest.hex();
}

fs::path part_path(const fs::path& folder, const HubFile& file) {
  return folder / (file.name + "." + file.checksum().substr(0, 16) + ".part");
}

}  // namespace

bool is_verified(const fs::path& path, const HubFile& file) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return !error && size == file.size && !file.checksum().empty() &&
         checksum_of(path, file) == file.checksum();
}

void pull_file(Hub& hub, const HubFile& file, const PullPlaces& places, const PullCallback& progress) {
  const auto target = places.folder / file.name;
  if (is_verified(target, file)) return;

  const auto part = part_path(places.folder, file);
  PartReceiver receiver(part, file, progress);
  for (bool resumed = receiver.held() > 0;; resumed = false) {
    if (!receiver.complete() || file.size == 0) hub.fetch(places.revision, file.name, receiver);
    receiver.report();
    if (receiver.complete() && (file.checksum().empty() || is_verified(part, file))) break;

    const auto held = receiver.held();
    receiver.restart();
    if (resumed) continue;  // Perhaps an interrupted write damaged the part: once again, from nothing.
    throw Error(ErrorCode::corrupt,
                "[pull] " + file.name + ": " +
                    (held == file.size
                         ? "its checksum is not the stated " + file.checksum()
                         : "expected " + std::to_string(file.size) + " bytes, got " + std::to_string(held)));
  }
  receiver.sync();
  std::error_code error;
  fs::rename(part, target, error);
  if (error) throw Error(ErrorCode::io, "[pull] " + target.string() + ": " + error.message());
}

}  // namespace beeld
