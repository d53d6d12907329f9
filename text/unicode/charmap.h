#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace beeld {

/// A single-byte encoding that texts were decoded in by mistake.
class Charmap {
 public:
  /// What an unassigned byte or the replacement character stands for.
  enum class Gaps {
    strict,  ///< Text with U+FFFD cannot be encoded.
    sloppy,  ///< Byte 0x1A stands for U+FFFD, a byte that was lost.
  };

  enum class Name {
    latin_1,
    windows_1252,
    windows_1251,
    windows_1250,
    windows_1253,
    windows_1254,
    windows_1257,
    iso_8859_2,
    mac_roman,
    cp437
  };

  Charmap(Name name, Gaps gaps) : name_(name), gaps_(gaps) {}

  /// The encodings in the order in which they are tried.
  static std::span<const Charmap> all();

  Name name() const { return name_; }
  bool is_sloppy() const { return gaps_ == Gaps::sloppy; }

  /// The bytes that this encoding would have read as `text`; nothing where it has no such characters.
  std::optional<std::string> encode(std::u32string_view text) const;

 private:
  Name name_;
  Gaps gaps_;
};

/// What Windows-1252 has in the place of a C1 control (0x80 to 0x9F); bytes without a meaning stay.
char32_t windows_1252_character(char32_t c1_control);

/// Whether Windows-1252 has a meaning for the byte.
bool is_in_windows_1252(char32_t byte);

}  // namespace beeld
