#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/measure/median.h"
#include "core/base/parallel.h"
#include "core/format/named_tensors.h"
#include "core/ops/rows.h"
#include "core/tensor/tape.h"
#include "multimodal/training/pair_batch.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int batch_size = 256;
constexpr int longest_text = 18, shortest_text = 8;

/// A new model of the default one's shape, in a folder.
void write_default_model(const fs::path& folder, const fs::path& training) {
  const auto run = json::parse(std::ifstream(training / "run.json"));
  std::ofstream(folder / "config.json") << run["model"];
  for (const auto* name : {"spiece.model", "tokenizer_config.json"})
    fs::copy_file(training / "tokenizer" / name, folder / name);
  std::ofstream(folder / "preprocessor_config.json")
      << R"({"do_resize": false, "do_center_crop": false, "image_mean": [0.5,0.5,0.5], "image_std": [0.5,0.5,0.5]})";
  write_named_tensors(folder / "model.safetensors", initialize_weights(folder / "config.json", 1),
                      DType::f32);
}

/// A batch that is ready in memory, as the peer's: noise, and texts of 8 to 18 tokens.
PairBatch synthetic_batch(const VisionConfig& config, int kept, std::uint64_t seed) {
  Random random(seed);
  PairBatch batch;
  for (int i = 0; i < batch_size; ++i) {
    Pixels pixels{config.image_height, config.image_width, {}};
    pixels.values.resize(std::size_t{3} * static_cast<std::size_t>(pixels.height * pixels.width));
    for (auto& value : pixels.values) value = static_cast<float>(random.normal());
    batch.images.push_back(std::move(pixels));
    const auto length = shortest_text + random.below(longest_text - shortest_text + 1);
    std::vector<std::int32_t> ids(length, 1);
    for (std::size_t t = 0; t + 1 < length; ++t) ids[t] = static_cast<std::int32_t>(3 + random.below(4000));
    batch.texts.push_back(std::move(ids));
    if (kept == 0) continue;
    std::vector<std::int32_t> places;
    const int all = config.positions.rows * config.positions.columns;
    for (int place = 0; place < kept; ++place) places.push_back(place * all / kept);
    batch.kept.push_back(std::move(places));
  }
  return batch;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Milliseconds of a batch, and what its tape holds between the two passes.
struct PassTimes {
  double forward = 0, backward = 0;
  double tape_bytes = 0;
};

/// Both passes of a batch by one thread in chunks, as one of the learner's lanes runs them.
PassTimes time_passes(TrainableModel& model, const PairBatch& batch) {
  constexpr std::size_t chunk = 32;
  Tape<float> tape;
  const auto watch = [&](Tensor<float>& values, Decay) { tape.watch(values); };
  visit_parameters(model.state.vision, watch);
  visit_parameters(*model.state.text, watch);
  std::vector<Tensor<float>> results;
  const auto before = mallinfo2();
  auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < batch.images.size(); i += chunk) {
    Pass<float> pass;
    pass.tape = &tape;
    const auto kept = batch.kept.empty() ? KeptPatches{} : KeptPatches(batch.kept).subspan(i, chunk);
    results.push_back(l2_normalize(
        encode(model.state.vision, std::span(batch.images).subspan(i, chunk), pass, kept), pass));
  }
  for (std::size_t i = 0; i < batch.texts.size(); i += 2 * chunk) {
    Pass<float> pass;
    pass.tape = &tape;
    results.push_back(l2_normalize(
        encode<float>(*model.state.text, std::span(batch.texts).subspan(i, 2 * chunk), pass), pass));
  }
  PassTimes times;
  times.forward = 1e3 * seconds_since(begin);
  const auto after = mallinfo2();
  times.tape_bytes = static_cast<double>(after.uordblks + after.hblkhd) -
                     static_cast<double>(before.uordblks + before.hblkhd);
  for (const auto& result : results) tape.add(result, result);
  begin = std::chrono::steady_clock::now();
  tape.backward();
  times.backward = 1e3 * seconds_since(begin);
  return times;
}

/// Bytes of the activations that the gradients of one tower need for `tokens` rows in sequences of `length`:
/// in every block the input, its norm, q, k, v, the softmax of every head, the attention's result, the second
/// residual and its norm, and the MLP before and after its activation. The last block has only one query in
/// each sequence: its input, norm, k and v.
double needed_bytes(const BlockConfig& block, int layers, double tokens, double length) {
  const double whole = 8.0 * block.width + 2.0 * block.mlp_width + block.attention.heads * length;
  const double last = 4.0 * block.width + block.attention.heads;
  return sizeof(float) * tokens * ((layers - 1) * whole + last);
}

double needed_bytes(const TrainableModel& model, const PairBatch& batch) {
  const auto& vision = model.state.vision.config;
  const auto& text = model.state.text->config;
  const double length = 1 + (batch.kept.empty() ? vision.positions.rows * vision.positions.columns
                                                : static_cast<double>(batch.kept[0].size()));
  double bytes = needed_bytes(vision.block, vision.layers, batch_size * length, length);
  for (const auto& ids : batch.texts) {
    const auto tokens = static_cast<double>(ids.size());
    bytes += needed_bytes(text.block, text.layers, tokens, tokens);
  }
  return bytes;
}

/// One line of JSON from the peer.
json run_peer(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> part{};
  while (pipe && std::fgets(part.data(), part.size(), pipe.get())) output += part.data();
  return output.empty() ? json{} : json::parse(output, nullptr, false);
}

std::string peer_command(const VisionConfig& vision, const TextConfig& text, int threads, int kept) {
  const auto option = [](const std::string& name, std::int64_t value) {
    return " --" + name + " " + std::to_string(value);
  };
  return std::string("/usr/bin/python3 " BEELD_SOURCE_DIR "/bench/peers/train_clip.py") +
         option("vision-width", vision.block.width) + option("vision-layers", vision.layers) +
         option("vision-heads", vision.block.attention.heads) + option("patch", vision.patch) +
         option("edge", vision.image_width) + option("keep", kept) + option("text-width", text.block.width) +
         option("text-layers", text.layers) + option("text-heads", text.block.attention.heads) +
         option("vocabulary", text.vocabulary) + option("context", text.context_length) +
         option("dimension", 256) + option("shortest-text", shortest_text) +
         option("longest-text", longest_text) + option("batch", batch_size) + option("threads", threads) +
         option("steps", 3) + option("warm-up", 1);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

/// Samples a second of whole steps from batches in memory.
double step_rate(Learner& learner, const std::vector<PairBatch>& batches) {
  const double seconds = median_seconds(3, [&] {
    for (const auto& batch : batches) learner.step(batch);
  });
  return batch_size * static_cast<double>(batches.size()) / seconds;
}

void steps_against_peer(const fs::path& folder) {
  constexpr int rounds = 3;
  std::printf("\nA training step of the default model, batch %d: forward, loss, backward, AdamW\n\n",
              batch_size);
  std::printf(
      "| threads | patches | beeld, samples/s | PyTorch, samples/s | ratio | backward / forward | PyTorch's "
      "|\n");
  std::printf("|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    for (const int kept : {0, 32}) {
      LearnerSettings settings;
      settings.steps = 1000;
      Learner learner(load_trainable(folder), settings);
      auto model = load_trainable(folder);
      const auto& config = model.state.vision.config;
      const std::vector batches{synthetic_batch(config, kept, 1), synthetic_batch(config, kept, 2)};
      const auto command = peer_command(config, model.state.text->config, threads, kept);
      std::vector<double> own, peer, ratio, peer_ratio;
      for (int round = 0; round < rounds; ++round) {
        own.push_back(step_rate(learner, batches));
        const auto times = time_passes(model, batches[0]);
        ratio.push_back(times.backward / times.forward);
        const auto other = run_peer(command);
        if (!other.is_object()) continue;
        peer.push_back(other["samples_per_second"]);
        peer_ratio.push_back(other["backward_ms"].get<double>() / other["forward_ms"].get<double>());
      }
      std::printf("| %d | %d | %.0f | %.0f | %.2f | %.2f | %.2f |\n", threads, kept ? kept : 64, median(own),
                  median(peer), peer.empty() ? 0 : median(own) / median(peer), median(ratio),
                  median(peer_ratio));
      std::fflush(stdout);
    }
  }
}

void memory_of_tape(const fs::path& folder) {
  set_thread_count(1);
  auto model = load_trainable(folder);
  std::printf(
      "\n| patches | activations needed, MB | held between the passes, MB | ratio "
      "|\n|---:|---:|---:|---:|\n");
  for (const int kept : {0, 32}) {
    const auto batch = synthetic_batch(model.state.vision.config, kept, 1);
    const double needed = needed_bytes(model, batch), held = time_passes(model, batch).tape_bytes;
    std::printf("| %d | %.0f | %.0f | %.2f |\n", kept ? kept : 64, needed / 1e6, held / 1e6, held / needed);
  }
}

/// Whole steps fed from a shard against steps on batches in memory: while the shard is read for the first
/// time, and later, when its decoded pictures are in the cache.
void feeding(const fs::path& folder, const std::vector<fs::path>& shards) {
  if (shards.empty()) return;
  set_thread_count(0);
  LearnerSettings settings;
  settings.steps = 1000;
  Learner learner(load_trainable(folder), settings);
  TrainingSource source;
  source.name = "scenes";
  source.shards = {shards.front()};
  source.augmentation = {
      .min_area = 0.5, .max_aspect = 1.3, .flip = 0.5, .brightness = 0.3, .contrast = 0.3, .saturation = 0.3};
  const auto& state = learner.model().state;
  TrainingData data(
      {source},
      {.batch = batch_size, .edge = state.vision.config.image_width, .seed = 1, .prefetch = batches_ahead()});
  const PatchChoice half{.dropped = 0.5, .seed = 1};
  constexpr int rounds = 5, steps = 8;  // a round is an epoch of a shard of 2,000
  const auto timed = [](const auto& step) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i) step();
    return steps * batch_size / seconds_since(begin);
  };
  const auto fed = [&] { learner.step(make_pair_batch(data.next().samples, state, half)); };
  learner.step(synthetic_batch(state.vision.config, 32, 1));  // products are prepared at their first use
  const double first = timed(fed);
  const auto ready = make_pair_batch(data.next().samples, state, half);
  std::vector<double> memory, later;
  for (int round = 0; round < rounds; ++round) {
    memory.push_back(timed([&] { learner.step(ready); }));
    later.push_back(timed(fed));
  }
  const double best = median(memory);
  std::printf("| whole steps, all threads, half of the patches | samples/s | |\n|---|---:|---:|\n");
  std::printf("| a batch in memory | %.0f | |\n", best);
  std::printf("| from a shard, first epoch | %.0f | %.1f %% |\n", first, 100 * first / best);
  std::printf("| from a shard, later epochs | %.0f | %.1f %% |\n\n", median(later),
              100 * median(later) / best);
  std::fflush(stdout);
}

void run(const std::vector<fs::path>& shards) {
  const testing::TemporaryFolder folder;
  const fs::path training = fs::path(BEELD_SOURCE_DIR) / "data" / "training";
  write_default_model(folder.path(), training);
  feeding(folder.path(), shards);
  memory_of_tape(folder.path());
  steps_against_peer(folder.path());
}

}  // namespace

}  // namespace beeld::bench

int main(int argc, char** argv) {
  try {
    beeld::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
