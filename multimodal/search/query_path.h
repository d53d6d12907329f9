#pragma once

#include <string>
#include <string_view>

namespace beeld {

// What an operand of a query names, by its form and by what there is in the file system.

std::string_view without_blanks_around(std::string_view text);

bool is_file(std::string_view path);
bool is_folder(std::string_view path);

/// An address of the web: it begins with http:// or https://, in any case.
bool is_web_address(std::string_view text);

/// Whether a text begins with file://.
bool is_file_address(std::string_view text);

/// The path in a file:// address, its escapes (%20) decoded. Throws Error(invalid_argument) for an address on
/// another machine, or with an escape that is none.
std::string path_of_file_address(std::string_view address);

/// Whether no one would search for it as a text: "/photos/1", "./boat", "IMG_1.JPG", "~/a b.jpg". Whether
/// there is such a file does not matter.
bool can_only_be_path(std::string_view text);

/// A word, with neither slash nor point, that names a file which holds no picture: rather the word is meant.
bool is_word_beside_a_file(std::string_view text);

}  // namespace beeld
