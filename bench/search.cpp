#include "bench/search.h"

#include <beeld/matrix.h>
#include <beeld/model.h>

#include <cstdio>
#include <functional>
#include <random>

#include "bench/bandwidth.h"
#include "bench/turns.h"
#include "multimodal/index/scan.h"
#include "multimodal/index/vectors.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

constexpr std::size_t dimension = 512;

/// Unit rows of noise; the last one is left in `row`, as a query.
void write_vectors(const std::filesystem::path& file, const VectorsKey& key, std::size_t count, Matrix& row) {
  std::mt19937 generator(1234);
  VectorsWriter writer(file, key);
  for (std::size_t i = 0; i < count; ++i) {
    for (auto& value : row.values) value = static_cast<float>(generator() % 2048) - 1023.5F;
    normalize_rows(row);
    writer.add(static_cast<std::int64_t>(i), row[0]);
  }
  writer.finish();
}

}  // namespace

std::vector<SearchTime> time_searches() {
  const testing::TemporaryFolder folder;
  const VectorsKey key{.fingerprint = "bench", .library = "bench", .generation = 1, .dimension = dimension};
  std::vector<SearchTime> times;
  for (const std::size_t count : {10'000, 100'000, 300'000, 1'000'000}) {
    Matrix query(1, dimension);
    const auto file = folder.path() / "vectors";
    write_vectors(file, key, count, query);
    const auto vectors = Vectors::open(file, key);
    const std::span rows(vectors->rows(), count * vectors->stride());
    for (const int threads : {1, 2}) {
      set_threads(threads);
      std::vector<Engine> engines{
          {"scan", [&] { return seconds_of([&] { scan(*vectors, {.query = query[0], .count = 10}); }); }, {}},
          {"floor", [&] { return seconds_of([&] { read_all(std::as_bytes(rows)); }); }, {}}};
      take_turns(engines, 15);
      times.push_back({count, threads, median_of(engines, "scan"), median_of(engines, "floor")});
    }
  }
  return times;
}

void print(const std::vector<SearchTime>& searches) {
  std::printf(
      "\nThe 10 best of so many embeddings of %zu values, held as float16 and re-ranked in float32\n\n",
      dimension);
  std::printf(
      "| embeddings | threads | ms | million rows/s | reading the bytes alone, ms | ratio | target |\n");
  std::printf("|---:|---:|---:|---:|---:|---:|---|\n");
  for (const auto& search : searches) {
    const double ratio = search.scan / search.floor;
    std::printf("| %zu | %d | %.2f | %.1f | %.2f | %.2f | %s |\n", search.rows, search.threads,
                1e3 * search.scan, static_cast<double>(search.rows) / search.scan / 1e6, 1e3 * search.floor,
                ratio,
                search.rows < 1'000'000 ? ""
                : ratio <= 1.2          ? "<= 1.2"
                                        : "<= 1.2, missed");
  }
}

}  // namespace beeld::bench
