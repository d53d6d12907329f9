#pragma once

#include <cstddef>
#include <string>

namespace beeld::bench {

/// One line of the table of encoders. Rates are items a second; 0 is what was not measured.
struct Row {
  std::string what;
  int threads = 0;
  std::size_t batch = 0;
  double rate = 0;     ///< beeld's
  double of_peak = 0;  ///< its arithmetic over the machine's peak of float32
  double onnx = 0;     ///< ONNX Runtime's rate
  double torch = 0;    ///< PyTorch's
  double float32 = 0;  ///< beeld's with float32 weights, where this is not that
};

/// What a row should reach at least: a share of the peak, and beeld's rate over each other one. 0: no target.
struct Targets {
  double of_peak = 0, onnx = 0, torch = 0, float32 = 0;
};

void print_head();

/// Prints a row as soon as it is there, with its targets and which of them it missed.
void print_row(const Row& row, const Targets& targets);

}  // namespace beeld::bench
