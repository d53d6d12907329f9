#include "text/cleaning/fix_text.h"
#include "text/unicode/regex.h"

namespace beeld {

namespace {

// The characters that occur in UTF-8 read as a single-byte encoding, by what they are used for in real text.
constexpr const char* common = R"(\x{A0}\x{AD}\x{B4}\x{B7}\x{2013}-\x{2015}\x{2019}\x{2026})";
constexpr const char* c1 = R"(\x{80}-\x{9F})";
constexpr const char* bad =
    R"(\x{A4}\x{A6}\x{A8}\x{AA}\x{AC}\x{AF}\x{B8}\x{BA}\x{192}\x{2C6}\x{2C7}\x{2D8}\x{2DB}\x{2DC})"
    R"(\x{2020}\x{2021}\x{2030}\x{2310}\x{25CA}\x{FFFD})";
constexpr const char* law = R"(\x{A7}\x{B6})";
constexpr const char* currency = R"(\x{A2}\x{A3}\x{A5}\x{20A7}\x{20AC})";
constexpr const char* start_punctuation =
    R"(\x{A1}\x{A9}\x{AB}\x{BF}\x{384}\x{385}\x{2018}\x{201A}\x{201C}\x{201E}\x{2022}\x{2039}\x{F8FF})";
constexpr const char* end_punctuation = R"(\x{AE}\x{BB}\x{2DD}\x{201D}\x{203A}\x{2122})";
constexpr const char* numeric =
    R"(\x{B1}-\x{B3}\x{B5}\x{B9}\x{BC}-\x{BE}\x{D7}\x{F7}\x{2044}\x{2116}\x{2202}\x{2206}\x{220F})"
    R"(\x{2211}\x{221A}\x{221E}\x{2229}\x{222B}\x{2248}\x{2260}\x{2261}\x{2264}\x{2265})";
constexpr const char* kaomoji =
    R"(\x{B0}\x{D2}-\x{D6}\x{D9}-\x{DC}\x{F2}-\x{F6}\x{F8}-\x{FC}\x{14C}\x{150}\x{16A}\x{172})";
constexpr const char* upper_accented =
    R"(\x{C0}-\x{D1}\x{D8}\x{DC}\x{DD}\x{100}\x{102}\x{104}\x{106}\x{10C}\x{10E}\x{110}\x{112}\x{116})"
    R"(\x{118}\x{11A}\x{11E}\x{122}\x{12A}\x{130}\x{136}\x{139}\x{13B}\x{13D}\x{141}\x{143}\x{145})"
    R"(\x{147}\x{152}\x{158}\x{15A}\x{15E}\x{160}\x{162}\x{164}\x{16E}\x{170}\x{178}\x{179}\x{17B})"
    R"(\x{17D}\x{490})";
constexpr const char* lower_accented =
    R"(\x{DF}-\x{F1}\x{FC}\x{101}\x{103}\x{105}\x{107}\x{10D}\x{10F}\x{111}\x{113}\x{117}\x{119}\x{11B})"
    R"(\x{11F}\x{123}\x{12B}\x{12F}\x{137}\x{13A}\x{13C}\x{13E}\x{142}\x{153}\x{155}\x{15B}\x{15F})"
    R"(\x{161}\x{165}\x{17A}\x{17C}\x{17E}\x{491}\x{FB01}\x{FB02})";
constexpr const char* upper_common =
    R"(\x{DE}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}\x{38F}\x{391}-\x{3AB}\x{401}-\x{42F})";
constexpr const char* lower_common = R"(\x{3AC}-\x{3C9}\x{430}-\x{45F})";
constexpr const char* box =
    R"(\x{2502}\x{250C}\x{2510}\x{2518}\x{251C}\x{2524}\x{252C}\x{253C}\x{2550}-\x{256C}\x{2580})"
    R"(\x{2584}\x{2588}\x{258C}\x{2590}-\x{2593})";

constexpr const char* python_space = R"(\s\x1C-\x1F)";
constexpr const char* python_word = R"(\p{L}\p{N}_)";

/// A character class out of parts: names above or members.
template <class... Parts>
std::string any(const Parts&... parts) {
  return "[" + (std::string(parts) + ...) + "]";
}

/// Sequences by the categories of their characters.
std::string category_rules() {
  const auto accented = std::string(lower_accented) + upper_accented;
  const auto marks = std::string(box) + start_punctuation + end_punctuation + currency + numeric + law;
  return any(c1) +                                                                                      //
         "|" + any(bad, accented, marks) + any(bad) +                                                   //
         "|[a-zA-Z]" + any(lower_common, upper_common) + any(bad) +                                     //
         "|" + any(bad) + any(accented, marks) +                                                        //
         "|" + any(lower_accented, lower_common, box, end_punctuation, currency, numeric) +             //
         any(upper_accented) +                                                                          //
         "|" + any(box, end_punctuation, currency, numeric) + any(lower_accented) +                     //
         "|" + any(lower_accented, box, end_punctuation) + any(currency) +                              //
         "|" + any(python_space) + any(upper_accented) + any(currency) +                                //
         "|" + any(upper_accented, box) + any(numeric, law) +                                           //
         "|" + any(accented, box, currency, end_punctuation) + any(start_punctuation) + any(numeric) +  //
         "|" + any(accented, currency, numeric, box, law) + any(end_punctuation) +                      //
         any(start_punctuation) +                                                                       //
         "|" + any(currency, numeric, box) + any(start_punctuation) +                                   //
         "|[a-z]" + any(upper_accented) + any(start_punctuation, currency) +                            //
         "|" + any(box) + any(kaomoji) +                                                                //
         "|" + any(accented, currency, numeric, start_punctuation, end_punctuation, law) + any(box) +   //
         "|" + any(box) + any(end_punctuation) +                                                        //
         "|" + any(accented) + any(start_punctuation, end_punctuation) + any(python_word);
}

/// Sequences of particular letters, most of them common characters in UTF-8 read as another encoding.
std::string letter_rules() {
  const auto arabic = any(R"(\x{D8}\x{D9})") + any(common, currency, bad, numeric, start_punctuation,
                                                   R"(\x{178}\x{160}\x{AE}\x{B0}\x{B5}\x{BB})");
  const auto cyrillic = any(R"(\x{412}\x{413}\x{420}\x{421})");
  const auto greek = any(R"(\x{392}\x{393}\x{39E}\x{39F})");
  return R"(|[\x{152}\x{153}][^A-Za-z])"  // the ligature oe before anything but a plain Latin letter
         "|" +
         any(upper_accented) + R"(\x{B0})" +
         // Windows-1252
         R"(|[\x{C2}\x{C3}\x{CE}\x{D0}])" +
         any(R"(\x{20AC}\x{153}\x{160}\x{161}\x{A2}\x{A3}\x{178}\x{17E}\x{A0}\x{AD}\x{AE}\x{A9}\x{B0}\x{B7})",
             R"(\x{BB}\x{2013}\x{2014}\x{B4})", start_punctuation, end_punctuation) +
         R"(|\x{D7}[\x{B2}\x{B3}])"
         "|" +
         arabic + arabic +
         R"(|\x{E0}[\x{B2}\x{B5}\x{B9}\x{BC}-\x{BE}])"
         // MacRoman
         R"(|\x{221A}[\x{B1}\x{2202}\x{2020}\x{2260}\x{AE}\x{2122}\x{B4}\x{2264}\x{2265}\x{A5}\x{B5}\x{F8}])"
         R"(|\x{2248}[\x{B0}\x{A2}])"
         R"(|\x{201A}\x{C4}[\x{EC}\x{EE}\x{EF}\x{F2}\x{F4}\x{FA}\x{F9}\x{FB}\x{2020}\x{B0}\x{A2}\x{3C0}])"
         R"(|\x{201A}[\x{E2}\x{F3}][\x{E0}\x{E4}\x{B0}\x{EA}])"
         // Windows-1251
         R"(|\x{432}\x{402})"
         "|" +
         cyrillic + any(c1, bad, start_punctuation, end_punctuation, currency, R"(\x{B0}\x{B5})") + cyrillic +
         R"(|\x{413}\x{45E}\x{412}\x{402}\x{412}.[A-Za-z ])"
         // Windows-1252 again: what became of the no-break space and of letters before it
         R"(|\x{C3}[\x{A0}\x{A1}])"
         "|[a-z]" +
         any(python_space) +
         R"(?[\x{C3}\x{C2}][ ])"
         R"(|^[\x{C3}\x{C2}][ ])"
         "|" +
         any("a-z.,?!", end_punctuation) + R"(\x{C2})" + any(" ", start_punctuation, end_punctuation) +
         // Windows-1253
         R"(|\x{3B2}\x{20AC}[\x{2122}\x{A0}\x{386}\x{AD}\x{AE}\x{B0}])"
         "|" +
         greek + any(c1, bad, start_punctuation, end_punctuation, currency, R"(\x{B0})") + greek +
         // Windows-1257
         R"(|\x{101}\x{20AC})";
}

}  // namespace

bool looks_misdecoded(std::string_view text) {
  static const Regex rules(category_rules() + letter_rules());
  return rules.contains(text);
}

}  // namespace beeld
