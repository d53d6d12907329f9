#include "data/scenes/shards.h"

#include <archive.h>
#include <archive_entry.h>
#include <beeld/error.h>

#include <algorithm>
#include <memory>
#include <opencv2/imgcodecs.hpp>

#include "data/scenes/draw.h"

namespace beeld::scenes {

namespace {

constexpr int shard_quality = 92;

/// A tar file whose entries carry neither owner nor time.
class Tar {
 public:
  explicit Tar(std::filesystem::path path)
      : path_(std::move(path)), handle_(archive_write_new(), archive_write_free) {
    require(archive_write_set_format_ustar(handle_.get()) == ARCHIVE_OK);
    require(archive_write_open_filename(handle_.get(), path_.c_str()) == ARCHIVE_OK);
  }

  void add(const std::string& name, const std::string& content) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    require(archive_write_header(handle_.get(), entry.get()) == ARCHIVE_OK);
    const auto written = archive_write_data(handle_.get(), content.data(), content.size());
    require(written == static_cast<la_ssize_t>(content.size()));
  }

  void close() { require(archive_write_close(handle_.get()) == ARCHIVE_OK); }

 private:
  void require(bool done) const {
    if (done) return;
    const char* reason = archive_error_string(handle_.get());
    throw Error(ErrorCode::io,
                "[scenes] " + path_.string() + ": cannot be written: " + (reason ? reason : ""));
  }

  std::filesystem::path path_;
  std::unique_ptr<archive, int (*)(archive*)> handle_;
};

std::string padded(std::size_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

std::string lines(const std::vector<std::string>& captions) {
  std::string text;
  for (const auto& line : captions) text += line + "\n";
  return text;
}

}  // namespace

std::string encoded(const Picture& picture, int side, int quality) {
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", draw(picture.scene, picture.seed, side), bytes,
               {cv::IMWRITE_JPEG_QUALITY, quality, cv::IMWRITE_JPEG_OPTIMIZE, 1});
  return {bytes.begin(), bytes.end()};
}

void write_shards(const ShardOptions& options, const std::function<Picture(std::size_t)>& picture) {
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  for (std::size_t first = 0; first < options.pictures; first += options.per_shard) {
    Tar tar(options.folder / (options.name + "-" + padded(first / options.per_shard, 3) + ".tar"));
    for (std::size_t i = first; i < std::min(options.pictures, first + options.per_shard); ++i) {
      const Picture drawn = picture(i);
      const std::string key = padded(i, 6);
      tar.add(key + ".jpg", encoded(drawn, options.side, shard_quality));
      tar.add(key + ".txt", lines(drawn.captions));
    }
    tar.close();
  }
}

}  // namespace beeld::scenes
