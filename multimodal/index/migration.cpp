#include "multimodal/index/migration.h"

#include <string>

#include "multimodal/index/paths.h"
#include "multimodal/index/rows.h"
#include "multimodal/index/schema.h"

namespace beeld {

namespace {

constexpr std::int64_t without_decoding = 1;  // the version that did not know how pictures were decoded

void move_away(const Database& database) {
  database.execute(
      "DROP INDEX pictures_by_hash;"
      "ALTER TABLE embeddings RENAME TO former_embeddings;"
      "ALTER TABLE pictures RENAME TO former_pictures;"
      "ALTER TABLE meta RENAME TO former_meta");
}

void copy(const Database& database, std::int64_t version) {
  // What the first version wrote counts as decoded by default.
  database.execute(
      "INSERT INTO models (id, library, name, fingerprint, dimension, generation, decoding, checksum) "
      "SELECT 1, library, model, fingerprint, dimension, generation, " +
      std::string(version == without_decoding ? "''" : "decoding") + ", 0 FROM former_meta");
  for (const auto& row : read_models(database))
    database.prepare("UPDATE models SET checksum = ? WHERE id = ?").bind(model_checksum(row), row.id).run();
  const StoredPaths paths(database.file());
  RowWriter rows(database);
  auto pictures = database.prepare("SELECT id, path, size, mtime_ns, hash, error FROM former_pictures");
  while (pictures.step()) {
    PictureRecord picture;
    picture.id = pictures.integer(0);
    picture.path = paths.stored(std::string(pictures.bytes(1)));
    picture.stamp = {pictures.integer(2), pictures.integer(3), -1};
    picture.hash = pictures.bytes(4);
    rows.write(picture);
    if (!pictures.is_null(5)) rows.write(first_key(1) + picture.id, pictures.bytes(5), {});
  }
  auto embeddings = database.prepare("SELECT picture, vector FROM former_embeddings");
  while (embeddings.step()) rows.write(first_key(1) + embeddings.integer(0), {}, embeddings.bytes(1));
}

}  // namespace

void migrate(const Database& database) {
  if (!database.has_checksums()) {
    database.reserve_checksums();
    database.execute("VACUUM");
  }
  Transaction transaction(database, Transaction::Kind::write);
  const auto version = database.integer("PRAGMA user_version");
  if (version == schema_version) return;  // another process came first
  move_away(database);
  create_tables(database);
  copy(database, version);
  database.execute("DROP TABLE former_embeddings; DROP TABLE former_pictures; DROP TABLE former_meta");
  transaction.commit();
}

}  // namespace beeld
