#include "vision/decode/photo_facts.h"

#include <array>
#include <chrono>
#include <cmath>
#include <string_view>

#include "vision/metadata/exif.h"
#include "vision/metadata/iso_media.h"
#include "vision/metadata/metadata.h"

namespace beeld {

namespace {

using Bytes = std::span<const std::uint8_t>;

/// The directories of an EXIF block that say something of time and place.
struct Directories {
  std::optional<ExifDirectory> root, exif, gps;
};

/// Decimal digits at fixed places of a text; -1 where there is anything else.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = 10 * value + (text[i] - '0');
  }
  return value;
}

/// "2023:06:05 18:30:00"; cameras set nothing as zeros or blanks.
std::optional<std::int64_t> read_time(std::string_view text) {
  using namespace std::chrono;
  const int hours_read = digits(text, 11, 2), minutes_read = digits(text, 14, 2),
            seconds_read = digits(text, 17, 2);
  const int year_read = digits(text, 0, 4), month_read = digits(text, 5, 2), day_read = digits(text, 8, 2);
  if (year_read < 1 || month_read < 1 || day_read < 1) return std::nullopt;
  const year_month_day date(year{year_read}, month{static_cast<unsigned>(month_read)},
                            day{static_cast<unsigned>(day_read)});
  if (!date.ok() || hours_read < 0 || hours_read > 23 || minutes_read < 0 || minutes_read > 59 ||
      seconds_read < 0 || seconds_read > 60)
    return std::nullopt;
  const auto time = sys_days(date) + hours(hours_read) + minutes(minutes_read) + seconds(seconds_read);
  return duration_cast<seconds>(time.time_since_epoch()).count();
}

/// "+02:00", "-03:30" or "Z", in minutes.
std::optional<int> read_offset(std::string_view text) {
  if (text == "Z") return 0;
  if (text.size() < 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const int hours = digits(text, 1, 2), minutes = digits(text, 4, 2);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (60 * hours + minutes);
}

/// When it was taken, else digitized, else changed last.
void read_times(const Directories& directories, PhotoFacts& facts) {
  struct Tags {
    const std::optional<ExifDirectory>& directory;
    std::uint16_t time, offset;
  };
  const std::array<Tags, 3> tags = {{{directories.exif, 0x9003, 0x9011},
                                     {directories.exif, 0x9004, 0x9012},
                                     {directories.root, 0x0132, 0x9010}}};
  for (const auto& [directory, time, offset] : tags) {
    if (!directory) continue;
    facts.taken = read_time(directory->text(time));
    if (!facts.taken) continue;
    if (directories.exif) facts.offset = read_offset(directories.exif->text(offset));
    return;
  }
}

/// Degrees, minutes and seconds; none where the letter says neither of the two directions.
std::optional<double> read_angle(const ExifDirectory& gps, std::uint16_t letter_tag,
                                 std::string_view letters) {
  const auto letter = gps.text(letter_tag);
  const auto angle_tag = static_cast<std::uint16_t>(letter_tag + 1);
  const auto degrees = gps.rational(angle_tag, 0);
  if (letter.empty() || letters.find(letter[0]) == std::string_view::npos || !degrees) return std::nullopt;
  const double angle =
      *degrees + gps.rational(angle_tag, 1).value_or(0) / 60 + gps.rational(angle_tag, 2).value_or(0) / 3600;
  return letter[0] == letters[0] ? angle : -angle;
}

void read_place(const Directories& directories, PhotoFacts& facts) {
  if (!directories.gps) return;
  const auto latitude = read_angle(*directories.gps, 1, "NS"),
             longitude = read_angle(*directories.gps, 3, "EW");
  if (!latitude || !longitude || std::abs(*latitude) > 90 || std::abs(*longitude) > 180) return;
  facts.place = Place{*latitude, *longitude};
}

Directories directories_of(Bytes exif) {
  Directories directories{exif_root(exif), {}, {}};
  if (!directories.root) return directories;
  directories.exif = directories.root->below(0x8769);
  directories.gps = directories.root->below(0x8825);
  return directories;
}

/// Canon's CR3 has a block of its own for each directory.
Directories directories_of_cr3(Bytes bytes) {
  constexpr std::size_t identifier = 16;
  const auto all = first_box(first_box(bytes, "moov"), "uuid");
  if (all.size() < identifier) return {};
  const auto boxes = all.subspan(identifier);
  return {exif_root(first_box(boxes, "CMT1")), exif_root(first_box(boxes, "CMT2")),
          exif_root(first_box(boxes, "CMT4"))};
}

/// Fujifilm's RAF has a JPEG inside, whose position and length it states.
Bytes jpeg_of_raf(Bytes bytes) {
  const ByteReader reader(bytes, ByteOrder::big);
  const std::size_t at = reader.u32(84).value_or(0), length = reader.u32(88).value_or(0);
  return reader.has(at, length) ? bytes.subspan(at, length) : Bytes();
}

bool is_tiff(Bytes bytes) {
  return bytes.size() > 2 && ((bytes[0] == 'I' && bytes[1] == 'I') || (bytes[0] == 'M' && bytes[1] == 'M'));
}

PhotoFacts facts_in(const Directories& directories) {
  PhotoFacts facts;
  read_times(directories, facts);
  read_place(directories, facts);
  return facts;
}

}  // namespace

PhotoFacts read_photo_facts(Bytes bytes) {
  constexpr std::string_view raf = "FUJIFILMCCD-RAW";
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), raf.size()));
  if (head == raf) bytes = jpeg_of_raf(bytes);
  if (is_tiff(bytes)) return facts_in(directories_of(bytes));
  if (iso_media_kind(bytes) == IsoMedia::raw) return facts_in(directories_of_cr3(bytes));
  return facts_in(directories_of(read_metadata(bytes).exif));
}

}  // namespace beeld
