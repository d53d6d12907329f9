#include "cli/pictures/filters.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

namespace beeld::cli {

namespace {

using std::chrono::day, std::chrono::month, std::chrono::year, std::chrono::year_month_day;

std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == mark)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// Whether `text` is wholly a number of this type.
template <class Number>
bool read_number(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return !text.empty() && read.ec == std::errc() && read.ptr == end;
}

/// A year, a month or a day, from its first second to the first one after it.
struct Period {
  std::int64_t begin = 0, end = 0;
};

[[noreturn]] void refuse_date(const std::string& option, const std::string& text) {
  throw UsageError(option + ": expected a year, month or day such as 2023, 2023-06 or 2023-06-24, got '" +
                   text + "'");
}

Period read_period(const std::string& option, const std::string& text) {
  const auto parts = split(text, '-');
  std::array<int, 3> numbers = {0, 1, 1};
  if (parts.size() > numbers.size() || parts[0].size() != 4) refuse_date(option, text);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i].size() > 4 || !read_number(parts[i], numbers[i]) || numbers[i] < 0)
      refuse_date(option, text);
  const auto at = [](int y, int m, int d) {
    return year_month_day(year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d)));
  };
  const auto first = at(numbers[0], numbers[1], numbers[2]);
  if (!first.ok()) refuse_date(option, text);
  auto last = std::chrono::sys_days(first) + std::chrono::days(1);
  if (parts.size() == 2) last = std::chrono::sys_days(first + std::chrono::months(1));
  if (parts.size() == 1) last = std::chrono::sys_days(first + std::chrono::years(1));
  const auto seconds = [](std::chrono::sys_days days) {
    return std::chrono::duration_cast<std::chrono::seconds>(days.time_since_epoch()).count();
  };
  return {seconds(first), seconds(last)};
}

Nearby read_nearby(const std::string& text) {
  const auto parts = split(text, ',');
  std::array<double, 3> numbers{};
  bool right = parts.size() == numbers.size();
  for (std::size_t i = 0; right && i < numbers.size(); ++i)
    right = read_number(parts[i], numbers[i]) && std::isfinite(numbers[i]);
  if (!right || std::fabs(numbers[0]) > 90 || std::fabs(numbers[1]) > 180 || numbers[2] < 0) {
    throw UsageError(
        "--near: expected a latitude (-90 to 90), a longitude (-180 to 180) and kilometres such as "
        "52.37,4.89,10, got '" +
        text + "'");
  }
  return {{numbers[0], numbers[1]}, numbers[2]};
}

}  // namespace

void add_filter_options(Command& command, PictureFilter& filter) {
  command
      .add_option_function(
          "--since",
          [&filter](const std::string& text) { filter.since = read_period("--since", text).begin; },
          "Only pictures taken in this year, month or day, or later: 2023, 2023-06 or 2023-06-24")
      ->type_name("DATE");
  command
      .add_option_function(
          "--until", [&filter](const std::string& text) { filter.until = read_period("--until", text).end; },
          "Only pictures taken in this year, month or day, or earlier")
      ->type_name("DATE");
  command
      .add_option_function(
          "--near", [&filter](const std::string& text) { filter.near = read_nearby(text); },
          "Only pictures taken within so many kilometres of a place")
      ->type_name("LAT,LON,KM");
  command
      .add_option("--path-contains", filter.path_contains,
                  "Only pictures with this in their path, in upper or lower case")
      ->type_name("TEXT");
  command.add_flag("--only-damaged", filter.only_damaged,
                   "Only pictures whose files are damaged, and were read as far as they go");
}

std::string time_text(std::int64_t taken) {
  const std::chrono::sys_seconds time{std::chrono::seconds(taken)};
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace beeld::cli
