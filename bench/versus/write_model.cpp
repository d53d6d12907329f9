#include <cstdio>
#include <exception>

#include "bench/encoding/vit_b_32.h"

/// beeld_bench_model FOLDER: writes the checkpoint that `./dev bench versus` encodes with.
int main(int argc, char** argv) {
  try {
    if (argc != 2) return 2;
    beeld::bench::write_vit_b_32(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
