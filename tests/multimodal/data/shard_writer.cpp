#include "tests/multimodal/data/shard_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <stdexcept>

namespace beeld::testing {

namespace {

unsigned type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::folder:
      return AE_IFDIR;
    case EntryKind::link:
      return AE_IFLNK;
    case EntryKind::file:
      break;
  }
  return AE_IFREG;
}

}  // namespace

void write_shard(const std::filesystem::path& path, const std::vector<ShardEntry>& entries,
                 Compression compression) {
  const std::unique_ptr<archive, int (*)(archive*)> handle(archive_write_new(), archive_write_free);
  const auto require = [&](bool done) {
    if (!done) throw std::runtime_error("cannot write " + path.string());
  };
  archive_write_set_format_ustar(handle.get());
  if (compression == Compression::gzip) archive_write_add_filter_gzip(handle.get());
  require(archive_write_open_filename(handle.get(), path.c_str()) == ARCHIVE_OK);
  for (const auto& entry : entries) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> header(archive_entry_new(),
                                                                          archive_entry_free);
    archive_entry_set_pathname(header.get(), entry.name.c_str());
    archive_entry_set_filetype(header.get(), type_of(entry.kind));
    archive_entry_set_perm(header.get(), 0644);
    archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.content.size()));
    if (entry.kind == EntryKind::link) archive_entry_set_symlink(header.get(), "/etc/passwd");
    require(archive_write_header(handle.get(), header.get()) == ARCHIVE_OK);
    const auto written = archive_write_data(handle.get(), entry.content.data(), entry.content.size());
    require(written == static_cast<la_ssize_t>(entry.content.size()));
  }
  require(archive_write_close(handle.get()) == ARCHIVE_OK);
}

}  // namespace beeld::testing
