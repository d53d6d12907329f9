#include "multimodal/data/shards.h"

#include <archive.h>
#include <archive_entry.h>
#include <beeld/error.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <string_view>

#include "core/base/text.h"

namespace beeld {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t read_block_bytes = 1u << 16;
constexpr std::size_t tar_block_bytes = 512;

struct ArchiveCleanup {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using Archive = std::unique_ptr<archive, ArchiveCleanup>;

struct EntryName {
  std::string key;
  std::string extension;  ///< In lower case.
};

[[noreturn]] void fail(ErrorCode code, const fs::path& shard, const std::string& fact) {
  throw Error(code, "[shard] " + shard.string() + ": " + fact);
}

[[noreturn]] void corrupt(const fs::path& shard, archive* handle) {
  const char* reason = archive_error_string(handle);
  fail(ErrorCode::corrupt, shard, reason ? reason : "damaged");
}

/// A plain tar ends with blocks of zeros. libarchive takes a file that was cut between two entries for whole.
void check_end(const fs::path& shard) {
  std::ifstream file(shard, std::ios::binary);
  std::string block(2, '\0');
  file.read(block.data(), 2);
  if (!file) return;                // libarchive says what is wrong.
  if (block == "\x1f\x8b") return;  // gzip states its own length.
  block.resize(tar_block_bytes);
  file.seekg(-static_cast<std::streamoff>(tar_block_bytes), std::ios::end);
  file.read(block.data(), tar_block_bytes);
  if (!file || block.find_first_not_of('\0') != std::string::npos) {
    fail(ErrorCode::corrupt, shard, "truncated: the end-of-archive block is missing");
  }
}

Archive open_archive(const fs::path& shard) {
  std::error_code error;
  if (!fs::exists(shard, error)) fail(ErrorCode::not_found, shard, "does not exist");
  if (!fs::is_regular_file(shard, error)) fail(ErrorCode::io, shard, "not a regular file");
  check_end(shard);
  Archive handle(archive_read_new());
  if (!handle) fail(ErrorCode::limit, shard, "out of memory");
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_format_tar(handle.get());
  if (archive_read_open_filename(handle.get(), shard.c_str(), read_block_bytes) != ARCHIVE_OK) {
    corrupt(shard, handle.get());
  }
  return handle;
}

/// The key reaches to the first dot of the base name. Nothing for a name without a key or an extension.
std::optional<EntryName> split(std::string_view path) {
  const auto slash = path.rfind('/');
  const auto base = slash == std::string_view::npos ? 0 : slash + 1;
  const auto dot = path.find('.', base);
  if (dot == std::string_view::npos || dot == base) return std::nullopt;
  EntryName name{std::string(path.substr(0, dot)), std::string(path.substr(dot + 1))};
  for (char& c : name.extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::vector<std::string> lines_of(std::string_view text, const std::string& name) {
  text = without_byte_order_mark(text, name);
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto line = trimmed(text.substr(0, end)); !line.empty()) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_picture(std::string_view extension) {
  return extension == "jpg" || extension == "jpeg" || extension == "png" || extension == "webp";
}

}  // namespace

struct ShardReader::State {
  std::vector<fs::path> shards;
  ShardLimits limits;
  std::size_t position = 0;  ///< The shard that is open or the next to be opened.
  Archive open;
  std::optional<EntryName> ahead;  ///< An entry whose header has been read: the next sample's first.
  archive_entry* entry = nullptr;
  std::set<std::string> extensions;  ///< Of the sample being read.

  const fs::path& shard() const { return shards[position]; }

  /// Reads the header of the open shard's next file with a key. At its end closes it, and returns false.
  bool advance() {
    while (true) {
      const int status = archive_read_next_header(open.get(), &entry);
      if (status == ARCHIVE_EOF) {
        open.reset();
        ++position;
        return false;
      }
      if (status == ARCHIVE_RETRY) continue;
      if (status < ARCHIVE_WARN) corrupt(shard(), open.get());
      if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry)) continue;
      const char* path = archive_entry_pathname(entry);
      if (!path) path = archive_entry_pathname_utf8(entry);
      if (!path) continue;
      ahead = split(path);
      if (ahead) return true;
    }
  }

  std::string content() {
    const auto size = archive_entry_size(entry);
    // Grown as the bytes come: a header's claim alone allocates nothing.
    std::string content;
    char block[read_block_bytes];
    while (true) {
      const auto count = archive_read_data(open.get(), block, sizeof block);
      if (count == ARCHIVE_RETRY) continue;
      if (count < 0) corrupt(shard(), open.get());
      if (count == 0) break;
      content.append(block, static_cast<std::size_t>(count));
      if (content.size() > limits.entry_bytes) {
        fail(ErrorCode::limit, shard(), ahead->key + " is longer than " + std::to_string(limits.entry_bytes));
      }
    }
    if (content.size() != static_cast<std::size_t>(size)) {
      fail(ErrorCode::corrupt, shard(),
           ahead->key + "." + ahead->extension + ": expected " + std::to_string(size) + " bytes, got " +
               std::to_string(content.size()));
    }
    return content;
  }

  /// Adds the entry ahead to the sample, or notes what is wrong with it.
  void add_to(Sample& sample) {
    const auto& extension = ahead->extension;
    const bool picture = is_picture(extension);
    if (!picture && extension != "txt" && extension != "cls") return;
    const auto size = archive_entry_size(entry);
    if (!extensions.insert(picture ? "picture" : extension).second) {
      note(sample, "two files of the kind " + std::string(picture ? "picture" : extension));
    } else if (size < 0 || static_cast<std::uint64_t>(size) > limits.entry_bytes) {
      note(sample, "." + extension + " is " + std::to_string(size) + " bytes, the limit is " +
                       std::to_string(limits.entry_bytes));
    } else {
      const auto bytes = content();
      if (picture)
        sample.image.assign(bytes.begin(), bytes.end());
      else
        read_text(sample, bytes);
    }
  }

  void read_text(Sample& sample, std::string_view bytes) const {
    try {
      if (ahead->extension == "txt")
        sample.captions = lines_of(bytes, ".txt");
      else
        sample.label = label_of(without_byte_order_mark(bytes, ".cls"));
    } catch (const Error& error) {
      note(sample, error.what());
    }
  }

  static void note(Sample& sample, const std::string& problem) {
    if (sample.problem.empty()) sample.problem = problem;
  }

  static std::int64_t label_of(std::string_view text) {
    text = trimmed(text);
    std::int64_t label = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, label);
    if (parsed.ec != std::errc() || parsed.ptr != end || label < 0) {
      throw Error(ErrorCode::corrupt,
                  ".cls: expected a class index, got \"" + std::string(text.substr(0, 40)) + "\"");
    }
    return label;
  }
};

ShardReader::ShardReader(std::vector<fs::path> shards, ShardLimits limits)
    : state_(std::make_unique<State>()) {
  state_->shards = std::move(shards);
  state_->limits = limits;
}

ShardReader::~ShardReader() = default;

std::optional<Sample> ShardReader::next() {
  auto& state = *state_;
  while (!state.ahead) {
    if (state.position == state.shards.size()) return std::nullopt;
    if (!state.open) state.open = open_archive(state.shard());
    state.advance();
  }

  Sample sample;
  sample.shard = state.shard();
  sample.key = state.ahead->key;
  state.extensions.clear();
  do {
    state.add_to(sample);
    state.ahead.reset();
  } while (state.advance() && state.ahead->key == sample.key);
  if (!sample.problem.empty()) {
    sample.image = {};
    sample.captions = {};
    sample.label.reset();
  }
  return sample;
}

}  // namespace beeld
