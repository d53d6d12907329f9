#include "bench/decoding.h"

#include <beeld/image.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/measure/peer.h"
#include "bench/measure/photo.h"
#include "bench/measure/turns.h"
#include "core/base/files.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

constexpr int edge = 224;

double seconds_to_read(const Model& model, std::span<const std::uint8_t> file, Decoding how) {
  return seconds_of([&] { model.preprocess(decode_image(file, {.decoding = how, .target_edge = edge})); });
}

}  // namespace

void decoding(const Model& model) {
  set_threads(1);
  const testing::TemporaryFolder folder;
  const auto file = jpeg_photo(4000, 3000);
  const auto path = folder.path() / "photo.jpg";
  write_file_atomically(path, {reinterpret_cast<const char*>(file.data()), file.size()});

  std::vector<Engine> engines{{"exact", [&] { return seconds_to_read(model, file, Decoding::exact); }, {}},
                              {"fast", [&] { return seconds_to_read(model, file, Decoding::fast); }, {}}};
  std::unique_ptr<Peer> pillow;
  try {
    pillow = std::make_unique<Peer>(std::vector<std::string>{
        "/usr/bin/python3", BEELD_SOURCE_DIR "/bench/peers/decode_pillow.py", path, std::to_string(edge)});
    engines.push_back({"Pillow", [&] { return std::stod(pillow->ask("run")); }, {}});
  } catch (const std::runtime_error& error) {
    std::printf("\n%s\n", error.what());
  }
  take_turns(engines, 11);

  const double peer = median_of(engines, "Pillow");
  std::printf("\nA JPEG of 4000 x 3000, %.1f MB, to pixels of %d x %d, 1 thread\n\n",
              static_cast<double>(file.size()) / 1e6, edge, edge);
  std::printf("| | ms | of Pillow's time | target |\n|---|---:|---:|---|\n");
  for (const auto& engine : engines) {
    const double seconds = median_of(engines, engine.name), ratio = peer > 0 ? seconds / peer : 0;
    const bool aimed = engine.name == "exact" && peer > 0;
    std::printf("| %s | %.0f | %.2f | %s |\n", engine.name.c_str(), 1e3 * seconds, ratio,
                !aimed         ? ""
                : ratio <= 0.6 ? "<= 0.6"
                               : "<= 0.6, missed");
  }
}

}  // namespace beeld::bench
