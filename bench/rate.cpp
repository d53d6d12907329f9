#include <beeld/beeld.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/encoding/vit_b_32.h"
#include "bench/measure/median.h"
#include "core/kernels/packed_matrix.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

WeightType weight_type(const std::string& name) {
  for (const auto type : {WeightType::f16, WeightType::bf16, WeightType::int8})
    if (name == name_of(type)) return type;
  return WeightType::f32;
}

void run(int threads, std::size_t batch, WeightType weights) {
  const testing::TemporaryFolder folder;
  write_vit_b_32(folder.path());
  set_threads(threads);
  const Model model = Model::load(folder.path(), {.weights = weights});
  const std::vector<Pixels> pixels(batch, model.preprocess(testing::wave_picture(224, 224, 1)));
  model.encode_pixels(pixels);  // the first call orders the weights
  const double seconds = median_seconds(batch == 1 ? 31 : 5, [&] { model.encode_pixels(pixels); });
  std::printf("%.2f\n", static_cast<double>(batch) / seconds);
}

}  // namespace

}  // namespace beeld::bench

/// beeld_bench_rate [THREADS [BATCH [WEIGHTS]]]: pictures a second of a CLIP ViT-B/32, and nothing else. For
/// comparing two builds, which cannot run in one process.
int main(int argc, char** argv) {
  try {
    const auto argument = [&](int i, const char* otherwise) { return i < argc ? argv[i] : otherwise; };
    beeld::bench::run(std::atoi(argument(1, "1")), static_cast<std::size_t>(std::atoi(argument(2, "32"))),
                      beeld::bench::weight_type(argument(3, "f32")));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
