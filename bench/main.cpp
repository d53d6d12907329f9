#include <beeld/beeld.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "bench/encoders.h"
#include "bench/median.h"
#include "bench/photo.h"
#include "bench/vit_b_32.h"
#include "multimodal/scan.h"
#include "multimodal/vectors.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

void reading(const Model& model) {
  set_threads(1);
  const auto file = jpeg_photo(4000, 3000);
  std::printf("\n| a JPEG of 4000 x 3000, %.1f MB, to pixels of 224 x 224, 1 thread | ms |\n",
              static_cast<double>(file.size()) / 1e6);
  std::printf("|---|---:|\n");
  for (const auto decoding : {Decoding::exact, Decoding::fast}) {
    const DecodeOptions options{.decoding = decoding, .target_edge = 224};
    const double seconds = median_seconds(5, [&] { model.preprocess(decode_image(file, options)); });
    std::printf("| %s decoding | %.0f |\n", decoding == Decoding::exact ? "exact" : "fast", seconds * 1e3);
  }
}

void searching() {
  constexpr std::size_t count = 200'000, dimension = 512;
  const testing::TemporaryFolder folder;
  const VectorsKey key{.fingerprint = "bench", .library = "bench", .generation = 1, .dimension = dimension};
  std::mt19937 generator(1234);
  Matrix row(1, dimension);
  {
    VectorsWriter writer(folder.path() / "vectors", key);
    for (std::size_t i = 0; i < count; ++i) {
      for (auto& value : row.values) value = static_cast<float>(generator() % 2048) - 1023.5F;
      normalize_rows(row);
      writer.add(static_cast<std::int64_t>(i), row[0]);
    }
    writer.finish();
  }
  const auto vectors = Vectors::open(folder.path() / "vectors", key);
  const double seconds = median_seconds(9, [&] { scan(*vectors, {.query = row[0], .count = 10}); });
  std::printf("\n| the 10 best of %zu embeddings of %zu values, 1 thread | ms | million rows/s |\n", count,
              dimension);
  std::printf("|---|---:|---:|\n| exact scan (float16, re-ranked in float32) | %.1f | %.1f |\n",
              seconds * 1e3, static_cast<double>(count) / seconds / 1e6);
}

void run() {
  const testing::TemporaryFolder folder;
  write_vit_b_32(folder.path());
  const Model model = Model::load(folder.path());
  encoders(folder.path());
  reading(model);
  searching();
}

}  // namespace

}  // namespace beeld::bench

int main() {
  try {
    beeld::bench::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
