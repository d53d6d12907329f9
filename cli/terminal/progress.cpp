#include "cli/terminal/progress.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace beeld::cli {

namespace {

constexpr int bar_width = 24;
constexpr const char* wipe = "\r\x1b[K";

std::string bar(std::uint64_t done, std::uint64_t total) {
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(share * bar_width);
  return "[" + std::string(filled, '#') + std::string(bar_width - filled, '.') + "]";
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<long>(std::min(seconds, 359999.0));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

std::string amount(std::uint64_t value, Progress::Unit unit) {
  if (unit == Progress::Unit::items) return grouped(value);
  return fixed(static_cast<double>(value) / 1e6, 1) + " MB";
}

}  // namespace

Progress::Progress(const Output& output, std::string what, Unit unit)
    : visible_(output.shows_progress()), what_(std::move(what)), unit_(unit) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (drawn_) std::cerr << wipe << std::flush;
  drawn_ = false;
}

void Progress::restart(const std::string& what) {
  what_ = what;
  start_ = Clock::now();
  last_ = {};
  first_ = 0;
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
  if (!visible_) return;
  const auto now = Clock::now();
  if (last_ == Clock::time_point{}) first_ = done;
  if (now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  std::cerr << wipe << line(done, total) << std::flush;
}

std::string Progress::line(std::uint64_t done, std::uint64_t total) const {
  std::string text = what_;
  if (total > 0) text += " " + bar(done, total);
  text += " " + amount(done, unit_);
  if (total > 0) text += " / " + amount(total, unit_);
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - std::min(first_, done)) / seconds : 0;
  if (rate <= 0) return text;
  text +=
      "  " + (unit_ == Unit::items ? fixed(rate, 1) : amount(static_cast<std::uint64_t>(rate), unit_)) + "/s";
  if (total > done) text += "  " + clock_time(static_cast<double>(total - done) / rate) + " left";
  return text;
}

}  // namespace beeld::cli
