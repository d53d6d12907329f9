#include "core/base/files.h"

#include <beeld/error.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/text.h"

namespace beeld {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
  const int reason = errno;
  const auto code = reason == ENOENT || reason == ENOTDIR ? ErrorCode::not_found : ErrorCode::io;
  throw Error(code, "[file] " + path.string() + ": cannot " + action + ": " + std::strerror(reason));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

// O_NONBLOCK: opening a named pipe must not wait for a writer.
Descriptor open_regular(const std::filesystem::path& path, std::size_t& size) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) fail(path, "open");
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorCode::io, "[file] " + path.string() + ": not a regular file");
  size = static_cast<std::size_t>(status.st_size);
  return file;
}

void write_all(const Descriptor& file, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const auto count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "write");
    content.remove_prefix(static_cast<std::size_t>(count));
  }
}

// A pipe or a device takes the place of no file.
void write_in_place(const std::filesystem::path& path, std::span<const std::string_view> parts) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) fail(path, "write");
  for (const auto part : parts) write_all(file, part, path);
}

constexpr int max_json_depth = 64;

// What is being written is named after its file: model.safetensors.tmp17.0, of process 17.
constexpr std::string_view unfinished_mark = ".tmp";

bool is_unfinished(std::string_view name) {
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  };
  const auto mark = name.rfind(unfinished_mark), point = name.rfind('.');
  if (mark == name.npos || mark == 0 || point == mark) return false;
  const auto process = mark + unfinished_mark.size();
  return digits(name.substr(process, point - process)) && digits(name.substr(point + 1));
}

}  // namespace

std::string read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::size_t size = 0;
  const Descriptor file = open_regular(path, size);
  if (size > max_bytes) {
    throw Error(ErrorCode::limit, "[file] " + path.string() + ": " + std::to_string(size) +
                                      " bytes, the limit is " + std::to_string(max_bytes));
  }
  std::string content(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto count = ::read(file.get(), content.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "read");
    if (count == 0) break;  // truncated meanwhile
    done += static_cast<std::size_t>(count);
  }
  content.resize(done);
  return content;
}

nlohmann::json parse_json(std::string_view text, const std::string& name) {
  const auto limit_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > max_json_depth) {
      throw Error(ErrorCode::corrupt,
                  "[json] " + name + ": nested deeper than " + std::to_string(max_json_depth));
    }
    return true;
  };
  try {
    return nlohmann::json::parse(without_byte_order_mark(text, name), limit_depth);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::corrupt, "[json] " + name + ": " + error.what());
  }
}

nlohmann::json read_json(const std::filesystem::path& path, std::size_t max_bytes) {
  return parse_json(read_file(path, max_bytes), path.string());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  write_file_atomically(path, std::span(&content, 1));
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) return write_in_place(path, parts);
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {
    const auto target = std::filesystem::weakly_canonical(path, error);
    if (!error && target != path) return write_file_atomically(target, parts);
  }
  static std::atomic<unsigned> counter{0};
  auto temporary = path;
  temporary += std::string(unfinished_mark) + std::to_string(::getpid()) + "." + std::to_string(counter++);
  try {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.valid()) fail(path, "write");
    for (const auto part : parts) write_all(file, part, path);
    if (::fsync(file.get()) != 0) fail(path, "write");
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "write");
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void remove_unfinished_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_unfinished(entry.path().filename().string()))
      found.push_back(entry.path());
  }
  for (const auto& path : found) std::filesystem::remove(path);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file = open_regular(path, size_);
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  if (data == MAP_FAILED) fail(path, "map");
  data_ = static_cast<std::byte*>(data);
}

void MappedFile::forget_pages() const {
  if (data_) ::madvise(data_, size_, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace beeld
