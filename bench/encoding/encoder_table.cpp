#include "bench/encoding/encoder_table.h"

#include <array>
#include <cstdio>

namespace beeld::bench {

namespace {

/// A number in the format, or nothing for 0.
std::string cell(const char* format, double value) {
  if (value <= 0) return "";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

double ratio(double rate, double other) { return other > 0 ? rate / other : 0; }

// A target of something that was not measured is neither reached nor missed.
void add_target(std::string& list, const char* format, double target, double reached, double factor = 1) {
  if (target <= 0 || reached <= 0) return;
  if (!list.empty()) list += ", ";
  list += cell(format, target * factor);
  if (reached < target) list += " MISSED";
}

}  // namespace

void print_head() {
  std::printf(
      "| encode | threads | batch | beeld, items/s | of peak | ONNX Runtime, items/s | ratio "
      "| PyTorch, items/s | ratio | target |\n");
  std::printf("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n");
  std::fflush(stdout);
}

void print_row(const Row& row, const Targets& targets) {
  const double onnx = ratio(row.rate, row.onnx), torch = ratio(row.rate, row.torch);
  std::string list;
  add_target(list, ">= %.0f %% of peak", targets.of_peak, row.of_peak, 100);
  add_target(list, ">= %.2fx ONNX Runtime", targets.onnx, onnx);
  add_target(list, ">= %.2fx PyTorch", targets.torch, torch);
  add_target(list, "> %.0fx float32", targets.float32, ratio(row.rate, row.float32));
  std::printf("| %s | %d | %zu | %.1f | %s | %s | %s | %s | %s | %s |\n", row.what.c_str(), row.threads,
              row.batch, row.rate, cell("%.0f %%", 100 * row.of_peak).c_str(), cell("%.1f", row.onnx).c_str(),
              cell("%.2f", onnx).c_str(), cell("%.1f", row.torch).c_str(), cell("%.2f", torch).c_str(),
              list.c_str());
  std::fflush(stdout);
}

}  // namespace beeld::bench
