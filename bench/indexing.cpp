#include "bench/indexing.h"

#include <beeld/beeld.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/measure/command.h"
#include "bench/measure/photo.h"
#include "bench/measure/turns.h"
#include "core/base/files.h"
#include "core/base/parallel.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

namespace fs = std::filesystem;

constexpr int threads = 2;

enum class Content {
  different,  ///< each file has a tail of its own
  same,       ///< encoded once, and recognised in all others
};

/// One photo under many names.
std::vector<fs::path> write_photos(const fs::path& folder, int width, int height, std::size_t count,
                                   Content content = Content::different) {
  fs::create_directories(folder);
  const auto photo = jpeg_photo(width, height);
  std::vector<fs::path> paths;
  for (std::size_t i = 0; i < count; ++i) {
    paths.push_back(folder / (std::to_string(i) + ".jpg"));
    const auto tail = content == Content::different ? std::to_string(i) : "";
    write_file_atomically(paths.back(), std::string(photo.begin(), photo.end()) + tail);
  }
  return paths;
}

void time_stages(const Model& model, int width, int height, std::size_t count) {
  const testing::TemporaryFolder folder;
  const auto paths = write_photos(folder.path() / "photos", width, height, count);
  std::vector<Pixels> pixels(count);
  const auto read = [&] {
    parallel_for(static_cast<std::int64_t>(count), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
        pixels[i] = model.preprocess(load_image(paths[i]));
    });
  };
  int run = 0;
  const auto index = [&] {
    auto fresh = Index::open(folder.path() / (std::to_string(run++) + ".db"), model);
    if (fresh.update({folder.path() / "photos"}).added != count)
      throw std::runtime_error("bench: not indexed");
  };
  std::vector<Engine> engines{
      {"read", [&] { return seconds_of(read); }, {}},
      {"encode", [&] { return seconds_of([&] { model.encode_pixels(pixels); }); }, {}},
      {"index", [&] { return seconds_of(index); }, {}}};
  take_turns(engines, 3);
  const auto rate = [&](const char* name) { return static_cast<double>(count) / median_of(engines, name); };
  const double read_rate = rate("read"), encode_rate = rate("encode"), index_rate = rate("index");
  const double bound = 1 / (1 / read_rate + 1 / encode_rate), slowest = std::min(read_rate, encode_rate);
  std::printf("| %d x %d | %.1f | %.1f | %.1f | %.1f | %.0f %% | %.0f %% |\n", width, height, read_rate,
              encode_rate, index_rate, bound, 100 * index_rate / bound, 100 * index_rate / slowest);
  std::fflush(stdout);
}

void measure_memory(const fs::path& model) {
  const testing::TemporaryFolder folder;
  const double weights = static_cast<double>(fs::file_size(model / "model.safetensors")) * 2 / (1 << 20);
  std::printf(
      "\nMost memory of `beeld index`, 1920 x 1080; the weights are %.0f MB as float32, the limit %.0f "
      "MB\n\n",
      weights, 1.3 * weights + 200);
  std::printf("| pictures | MB |\n|---:|---:|\n");
  for (const std::size_t count : {100, 400}) {
    const auto photos = folder.path() / std::to_string(count);
    write_photos(photos, 1920, 1080, count);
    const auto usage = run_command({"index", photos, "--model", model, "--db", photos.string() + ".db"});
    std::printf("| %zu | %.0f |\n", count, usage.megabytes);
  }
}

void time_cold_search(const fs::path& model) {
  const testing::TemporaryFolder folder;
  const auto photos = folder.path() / "photos", database = folder.path() / "index.db";
  write_photos(photos, 64, 48, 10'000, Content::same);
  run_command({"index", photos, "--model", model, "--db", database});
  const auto search = [&] {
    return run_command({"search", "two dogs in the snow", photos, "--model", model, "--db", database})
        .seconds;
  };
  const auto embed = [&] {
    return run_command({"embed", "--text", "two dogs in the snow", "--model", model, "--out",
                        folder.path() / "text.npy"})
        .seconds;
  };
  std::vector<Engine> engines{{"search", search, {}}, {"embed", embed, {}}};
  take_turns(engines, 7);
  const double whole = median_of(engines, "search"), text = median_of(engines, "embed");
  std::printf(
      "\nA process that searches 10,000 indexed pictures: %.2f s; one that embeds the query alone: %.2f s; "
      "the rest %.2f s (target: 0.3 s at most%s)\n",
      whole, text, whole - text, whole - text <= 0.3 ? "" : ", missed");
}

}  // namespace

void indexing(const fs::path& folder) {
  set_threads(threads);
  const Model model = Model::load(folder);
  std::printf(
      "\nIndexing by %d threads, pictures a second. Both stages want the same cores: reading and then\n"
      "encoding a picture cannot be faster than the bound.\n\n",
      threads);
  std::printf(
      "| photos | reading alone | encoding alone | indexing | bound | of bound | of slowest stage |\n");
  std::printf("|---|---:|---:|---:|---:|---:|---:|\n");
  time_stages(model, 500, 375, 128);
  time_stages(model, 1920, 1080, 64);
  measure_memory(folder);
  time_cold_search(folder);
}

}  // namespace beeld::bench
