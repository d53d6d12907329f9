#include <beeld/beeld.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "bench/median.h"
#include "bench/peak.h"
#include "bench/photo.h"
#include "bench/vit_b_32.h"
#include "multimodal/scan.h"
#include "multimodal/vectors.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

/// One kind of input for an encoder.
struct Work {
  const char* name;
  double operations;  ///< for one item
  std::function<void(std::size_t batch)> encode;
};

void report(const Work& work, int threads, double peak) {
  for (const std::size_t batch : {1, 32}) {
    const double seconds = median_seconds(batch == 1 ? 9 : 3, [&] { work.encode(batch); });
    const double rate = static_cast<double>(batch) / seconds;
    std::printf("| %-30s | %7d | %5zu | %8.1f | %8.0f | %6.0f %% |\n", work.name, threads, batch, rate,
                rate * work.operations / 1e9, 100 * rate * work.operations / peak);
    std::fflush(stdout);
  }
}

/// Lowercase letters, one token each beside the start and end tokens.
std::string text_of(std::size_t tokens) {
  std::string text;
  for (std::size_t i = 0; i + 2 < tokens; ++i) text.push_back(static_cast<char>('a' + i * 7 % 26));
  return text;
}

void encoding(const Model& model) {
  std::vector<Pixels> pixels;
  for (std::uint32_t seed = 0; seed < 32; ++seed) {
    pixels.push_back(model.preprocess(testing::wave_picture(224, 224, seed)));
  }
  const auto texts = [&](std::size_t tokens) {
    return [&model, list = std::vector(32, text_of(tokens))](std::size_t batch) {
      model.encode_texts(std::span(list).first(batch));
    };
  };
  const std::vector<Work> works = {
      {"pictures, 224 x 224", operations(vision_tower, 50),
       [&](std::size_t batch) { model.encode_pixels(std::span(pixels).first(batch)); }},
      {"texts of 77 tokens", operations(text_tower, 77), texts(77)},
      {"texts of 14 tokens (a caption)", operations(text_tower, 14), texts(14)}};

  std::printf("CLIP ViT-B/32 with random weights, float32 arithmetic\n\n");
  std::printf("| %-30s | threads | batch | items/s  | GFLOP/s  | of peak  |\n", "encode");
  std::printf("|%s|--------:|------:|---------:|---------:|---------:|\n", std::string(32, '-').c_str());
  for (const int threads : {1, 2}) {
    set_threads(threads);
    const double peak = fma_peak(threads);
    for (const Work& work : works) report(work, threads, peak);
    std::printf("| %-30s | %7d |       |          | %8.0f |          |\n", "peak of multiply-adds", threads,
                peak / 1e9);
  }
}

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
  encoding(model);
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
