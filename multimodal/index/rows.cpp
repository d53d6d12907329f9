#include "multimodal/index/rows.h"

#include <bit>
#include <span>

#include "core/base/checksum.h"
#include "multimodal/index/schema.h"

namespace beeld {

namespace {

std::uint64_t sum_of(std::string_view bytes, std::uint64_t seed) {
  return checksum(std::as_bytes(std::span(bytes)), seed);
}

// Over all that a row says but `gone`, which an update changes for many rows at once.
std::int64_t picture_checksum(const PictureRecord& picture) {
  const std::int64_t numbers[] = {
      picture.id,
      picture.stamp.size,
      picture.stamp.mtime_ns,
      picture.stamp.ctime_ns,
      picture.taken ? 1 : 0,
      picture.taken.value_or(0),
      picture.place ? 1 : 0,
      std::bit_cast<std::int64_t>(picture.place ? picture.place->latitude : 0.0),
      std::bit_cast<std::int64_t>(picture.place ? picture.place->longitude : 0.0),
  };
  auto sum = checksum(std::as_bytes(std::span(numbers)));
  for (const auto* text : {&picture.path, &picture.hash, &picture.damage}) sum = sum_of(*text, sum);
  return static_cast<std::int64_t>(sum);
}

}  // namespace

PictureRecord picture_at(const Statement& statement) {
  PictureRecord picture;
  picture.id = statement.integer(0);
  picture.path = statement.bytes(1);
  picture.stamp = {statement.integer(2), statement.integer(3), statement.integer(4)};
  picture.hash = statement.bytes(5);
  if (!statement.is_null(6)) picture.taken = statement.integer(6);
  if (!statement.is_null(7)) picture.place = {statement.real(7), statement.real(8)};
  picture.damage = statement.bytes(9);
  picture.gone = statement.integer(11) != 0;
  if (statement.integer(10) != picture_checksum(picture))
    throw Error(ErrorCode::corrupt, "[index] the row of a picture is damaged; beeld index --check mends it");
  return picture;
}

std::int64_t embedding_checksum(std::int64_t key, std::string_view error, std::string_view vector) {
  return static_cast<std::int64_t>(sum_of(vector, sum_of(error, static_cast<std::uint64_t>(key))));
}

RowWriter::RowWriter(const Database& database)
    : picture_(database.prepare(
          "INSERT INTO pictures (id, path, size, mtime_ns, ctime_ns, hash, taken, latitude, longitude, "
          "damage, "
          "checksum, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (id) DO UPDATE SET path = excluded.path, size = excluded.size, "
          "mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, hash = excluded.hash, "
          "taken = excluded.taken, latitude = excluded.latitude, longitude = excluded.longitude, "
          "damage = excluded.damage, checksum = excluded.checksum, gone = excluded.gone")),
      embedding_(database.prepare("INSERT OR REPLACE INTO embeddings (key, picture, error, checksum, vector) "
                                  "VALUES (?, ?, ?, ?, ?)")) {}

void RowWriter::write(const PictureRecord& picture) {
  const auto text = [](const std::string& value) {
    return value.empty() ? std::nullopt : std::optional(std::string_view(value));
  };
  const auto degrees = [&](double Place::*member) {
    return picture.place ? std::optional((*picture.place).*member) : std::nullopt;
  };
  picture_
      .bind(picture.id, std::string_view(picture.path), picture.stamp.size, picture.stamp.mtime_ns,
            picture.stamp.ctime_ns, std::string_view(picture.hash), picture.taken, degrees(&Place::latitude),
            degrees(&Place::longitude), text(picture.damage), picture_checksum(picture),
            static_cast<std::int64_t>(picture.gone))
      .run();
}

void RowWriter::write(std::int64_t key, std::string_view error, std::string_view vector) {
  const auto value = [](std::string_view bytes) {
    return bytes.empty() ? std::nullopt : std::optional(bytes);
  };
  constexpr auto picture_mask = (std::int64_t{1} << picture_bits) - 1;
  embedding_
      .bind(key, key & picture_mask, value(error), embedding_checksum(key, error, vector), value(vector))
      .run();
}

}  // namespace beeld
