#include "bench/loading.h"

#include <beeld/beeld.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "bench/measure/command.h"
#include "bench/measure/turns.h"
#include "core/base/files.h"
#include "core/format/checkpoint.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/torch_files.h"

namespace beeld::bench {

namespace {

namespace fs = std::filesystem;

constexpr int rounds = 7;
constexpr const char* safetensors = "safetensors";
constexpr const char* pickled = "pickled";

void write_pickled(const fs::path& from, const fs::path& to) {
  fs::copy(from, to);
  fs::remove(to / "model.safetensors");
  const Checkpoint checkpoint(from / "model.safetensors");
  std::map<std::string, TensorData, std::less<>> tensors;
  for (const auto& name : checkpoint.names()) {
    const auto* entry = checkpoint.find(name);
    tensors[name] = {entry->dtype, entry->shape, entry->bytes};
  }
  write_file_atomically(to / "pytorch_model.bin", testing::torch_bytes(tensors, testing::TorchForm::archive));
}

/// `work` for each of both folders.
template <class Work>
void compare(const char* what, const fs::path& first, const fs::path& second, const Work& work) {
  std::vector<Engine> engines{{safetensors, [&] { return seconds_of([&] { work(first); }); }, {}},
                              {pickled, [&] { return seconds_of([&] { work(second); }); }, {}}};
  take_turns(engines, rounds);
  const double one = median_of(engines, safetensors), other = median_of(engines, pickled);
  std::printf("| %s | %.2f ms | %.2f ms | %.2f |\n", what, one * 1e3, other * 1e3, other / one);
}

}  // namespace

void loading(const fs::path& folder) {
  const testing::TemporaryFolder other;
  const auto plain = other / "plain", written = other / "written", torch = other / "torch";
  // How a file was written decides how large the pieces are in which the system maps it: both are copies.
  fs::copy(folder, plain);
  write_pickled(folder, written);
  fs::copy(written, torch);
  std::printf(
      "\n## Loading CLIP ViT-B/32 in float16\n\n| | safetensors | pickled | ratio |\n|---|---|---|---|\n");
  compare("open and fingerprint the file", plain, torch, [](const fs::path& path) {
    const auto pickle = path / "pytorch_model.bin";
    static_cast<void>(Checkpoint(fs::exists(pickle) ? pickle : path / "model.safetensors").digest());
  });
  compare("load, embed a text", plain, torch,
          [](const fs::path& path) { Model::load(path).encode_texts(std::vector<std::string>{"a dog"}); });
  const auto megabytes = [](const fs::path& path) {
    return run_command({"embed", "--text", "a dog", "--model", path.string(), "--out", "/dev/null"})
        .megabytes;
  };
  const double one = megabytes(plain), two = megabytes(torch);
  std::printf("| memory of `beeld embed --text` | %.1f MB | %.1f MB | %.2f |\n", one, two, two / one);
}

}  // namespace beeld::bench
