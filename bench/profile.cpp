#include <beeld/beeld.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/encoding/vit_b_32.h"
#include "bench/measure/median.h"
#include "bench/measure/photo.h"
#include "bench/measure/turns.h"
#include "core/tensor/op_times.h"
#include "multimodal/index/schema.h"
#include "multimodal/model/model_state.h"
#include "multimodal/update/work.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

/// Milliseconds a picture, by one thread.
struct Step {
  const char* name;
  double alone, in_batch;
};

/// Of the median pass, a picture.
struct PassTimes {
  double whole = 0;
  OpTimes ops;
};

PassTimes time_pass(const VisionTower<float>& tower, const Pixels& picture, std::size_t batch) {
  const std::vector<Pixels> pictures(batch, picture);
  const int rounds = batch == 1 ? 41 : 11;
  std::vector<PassTimes> times;
  for (int round = 0; round <= rounds; ++round) {
    PassTimes one;
    Pass<float> pass;
    pass.times = &one.ops;
    one.whole = seconds_of([&] { encode<float>(tower, pictures, pass); });
    if (round > 0) times.push_back(one);  // the first one prepares the products
  }
  const auto middle = times.begin() + rounds / 2;
  std::nth_element(times.begin(), middle, times.end(),
                   [](const PassTimes& a, const PassTimes& b) { return a.whole < b.whole; });
  for (double& seconds : middle->ops.seconds) seconds /= static_cast<double>(batch);
  middle->whole /= static_cast<double>(batch);
  return *middle;
}

double seconds_to_write(const Model::State& state, std::size_t batch_size) {
  const testing::TemporaryFolder folder;
  const ModelIdentity identity{"bench", state.info().fingerprint, state.info().dimension};
  const auto database = Database::open(folder.path() / "index.db");
  const auto library = adopt_index(database, identity);
  PictureTable table(database, identity, library);
  const PictureEncoder encoder{identity, {}, {}};
  const DecodeOptions decoding;
  UpdateWork work(encoder, database, table, decoding);
  int round = 0;
  return median_seconds(21,
                        [&] {
                          PictureBatch batch(batch_size);
                          for (std::size_t i = 0; i < batch.size(); ++i) {
                            const auto name = std::to_string(round) + "-" + std::to_string(i);
                            batch[i].record.path = "/photos/" + name + ".jpg";
                            batch[i].record.hash = name;
                            batch[i].state = PictureState::embedded;
                            batch[i].embedding.assign(identity.dimension, 0.04F);
                          }
                          ++round;
                          work.write(batch);
                        }) /
         static_cast<double>(batch_size);
}

void print(const std::vector<Step>& steps) {
  double alone = 0, in_batch = 0;
  for (const auto& step : steps) {
    alone += step.alone;
    in_batch += step.in_batch;
  }
  std::printf("| one picture, 1 thread | alone, ms | share | in a batch of 8, ms | share |\n");
  std::printf("|---|---:|---:|---:|---:|\n");
  for (const auto& step : steps) {
    std::printf("| %s | %.2f | %.1f %% | %.2f | %.1f %% |\n", step.name, step.alone, 100 * step.alone / alone,
                step.in_batch, 100 * step.in_batch / in_batch);
  }
  std::printf("| all | %.1f | | %.1f | |\n", alone, in_batch);
}

void run() {
  const testing::TemporaryFolder folder;
  write_vit_b_32(folder.path());
  set_threads(1);
  const auto state = load_checkpoint(folder.path(), {});
  const auto file = jpeg_photo(4000, 3000);
  const auto image = decode_image(file);
  const auto pixels = preprocess(image, state->preprocess());
  const double decoding = median_seconds(9, [&] { decode_image(file); });
  const double resizing = median_seconds(9, [&] { preprocess(image, state->preprocess()); });
  const auto alone = time_pass(state->vision(), pixels, 1), batch = time_pass(state->vision(), pixels, 8);

  const auto step = [](const char* name, double first, double second) {
    return Step{name, 1e3 * first, 1e3 * second};
  };
  const auto op = [&](const char* name, Op which) {
    auto first = alone.ops, second = batch.ops;
    return step(name, first[which], second[which]);
  };
  const auto rest = [](PassTimes times) {
    return times.whole - times.ops[Op::product] - times.ops[Op::attention] - times.ops[Op::norm];
  };
  print({step("decode a JPEG of 4000 x 3000", decoding, decoding),
         step("resize to 224 x 224, normalise", resizing, resizing), op("products", Op::product),
         op("attention", Op::attention), op("norms", Op::norm),
         step("rest of the pass", rest(alone), rest(batch)),
         step("write to the index", seconds_to_write(*state, 1), seconds_to_write(*state, 8))});
  std::printf(
      "\nOutside the products: %.1f %% of the pass alone, %.1f %% in a batch of 8 (target: 8 %% at most)\n",
      100 * (1 - alone.ops.seconds[0] / alone.whole), 100 * (1 - batch.ops.seconds[0] / batch.whole));
}

}  // namespace

}  // namespace beeld::bench

/// Where the time of one picture goes, from the file to the index, with a CLIP ViT-B/32 of random weights.
int main() {
  try {
    beeld::bench::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
