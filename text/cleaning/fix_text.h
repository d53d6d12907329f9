#pragma once

#include <string>
#include <string_view>

namespace beeld {

/// Repairs what went wrong with a text before it came here, as OpenCLIP's training texts were repaired: with
/// every default of the ftfy library, version 6.3 (Speer 2019, doi:10.5281/zenodo.2591652).
///
/// Line by line, until nothing changes: HTML entities (in texts without `<`), text decoded in a wrong
/// encoding, C1 controls, Latin ligatures, character width, curly quotes, line breaks, terminal escapes,
/// control characters, then NFC. Input and result are valid UTF-8.
std::string fix_text(std::string_view text);

/// The part of fix_text() that finds and repairs text which was decoded in a wrong encoding.
std::u32string fix_encoding(std::u32string text);

/// Whether characters stand next to each other that hardly occur but in text decoded in a wrong encoding.
bool looks_misdecoded(std::string_view text);

}  // namespace beeld
