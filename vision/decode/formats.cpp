#include "vision/decode/formats.h"

#include <algorithm>
#include <array>

#include "vision/metadata/iso_media.h"

namespace beeld {

namespace {

bool begins(std::string_view head, std::string_view magic, std::size_t at = 0) {
  return head.size() >= at + magic.size() && head.substr(at, magic.size()) == magic;
}

bool is_tiff(std::string_view head) {
  for (const auto magic : {std::string_view("II*\0", 4), std::string_view("MM\0*", 4),
                           std::string_view("II+\0", 4), std::string_view("MM\0+", 4)})
    if (begins(head, magic)) return true;
  return false;
}

/// The beginnings of raw files that are neither TIFF nor ISO media: of Panasonic, Olympus, Fujifilm, Minolta,
/// Sigma and of older cameras of Canon.
bool is_raw(std::string_view head) {
  for (const auto magic : {std::string_view("IIU\0", 4), std::string_view("IIRO"), std::string_view("IIRS"),
                           std::string_view("MMOR"), std::string_view("FUJIFILM"),
                           std::string_view("\0MRM", 4), std::string_view("FOVb")})
    if (begins(head, magic)) return true;
  return begins(head, "HEAPCCDR", 6);
}

Decoder iso_decoder(IsoMedia kind) {
  switch (kind) {
    case IsoMedia::heif:
      return decode_heif;
    case IsoMedia::avif:
      return decode_avif;
    case IsoMedia::raw:
      return decode_raw;
    case IsoMedia::none:
    case IsoMedia::unknown:
      return nullptr;
  }
  return nullptr;
}

std::string_view head_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 16)};
}

template <std::size_t count>
bool is_one_of(std::string_view extension, const std::array<std::string_view, count>& list) {
  return std::ranges::find(list, extension) != list.end();
}

}  // namespace

Decoder decoder_for(std::span<const std::uint8_t> bytes) {
  const auto head = head_of(bytes);
  if (begins(head, "\xFF\xD8\xFF")) return decode_jpeg;
  if (begins(head, "\x89PNG\r\n\x1A\n")) return decode_png;
  if (begins(head, "RIFF") && begins(head, "WEBP", 8)) return decode_webp;
  if (begins(head, "GIF87a") || begins(head, "GIF89a")) return decode_gif;
  if (is_tiff(head)) return is_raw_tiff(bytes) ? decode_raw : decode_tiff;
  if (begins(head, "BM")) return decode_bmp;
  if (begins(head, "\xFF\x0A") || begins(head, std::string_view("\0\0\0\x0CJXL \r\n\x87\n", 12)))
    return decode_jxl;
  if (head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' &&
      std::string_view(" \t\n\v\f\r#").find(head[2]) != std::string_view::npos)
    return decode_pnm;
  if (is_raw(head)) return decode_raw;
  return iso_decoder(iso_media_kind(bytes));
}

std::string describe(std::span<const std::uint8_t> bytes) {
  const auto head = head_of(bytes);
  if (begins(head, std::string_view("\0\x05\x16\x07", 4))) return "AppleDouble metadata, not a picture";
  if (begins(head, "ftyp", 4))
    return "an ISO media file of brand '" + std::string(head.substr(8, 4)) +
           "' (a video, or an unknown kind of picture)";
  if (begins(head, std::string_view("\0\0\0\x0CjP  ", 8)) || begins(head, "\xFF\x4F\xFF\x51"))
    return "a JPEG 2000 picture";
  if (begins(head, "8BPS")) return "a Photoshop file";
  if (begins(head, "%PDF")) return "a PDF";
  return "not a picture";
}

bool is_picture_extension(std::string_view extension) {
  constexpr std::array<std::string_view, 15> always = {"bmp", "gif", "jfif", "jpe",  "jpeg",
                                                       "jpg", "mpo", "pbm",  "pgm",  "png",
                                                       "pnm", "ppm", "tif",  "tiff", "webp"};
  if (is_one_of(extension, always)) return true;
#ifdef BEELD_HEIF
  constexpr std::array<std::string_view, 6> heif = {"heic", "heics", "heif", "heifs", "hif", "avci"};
  if (is_one_of(extension, heif)) return true;
#endif
#if defined(BEELD_AVIF) || defined(BEELD_HEIF)
  if (extension == "avif" || extension == "avifs") return true;
#endif
#ifdef BEELD_JXL
  if (extension == "jxl") return true;
#endif
#ifdef BEELD_RAW
  constexpr std::array<std::string_view, 26> raw = {
      "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "k25", "kdc", "mef",
      "mos", "mrw", "nef", "nrw", "orf", "pef", "raf", "rw2", "rwl", "sr2", "srf", "srw", "x3f"};
  if (is_one_of(extension, raw)) return true;
#endif
  return false;
}

}  // namespace beeld
