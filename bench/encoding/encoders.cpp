#include "bench/encoding/encoders.h"

#include <beeld/model.h>
#include <beeld/tokenizer.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/encoding/encoder_agreement.h"
#include "bench/encoding/encoder_inputs.h"
#include "bench/encoding/encoder_table.h"
#include "bench/encoding/vit_b_32.h"
#include "bench/measure/neighbour.h"
#include "bench/measure/peak.h"
#include "bench/measure/peer.h"
#include "bench/measure/turns.h"

namespace beeld::bench {

namespace {

namespace fs = std::filesystem;

constexpr int rounds = 5, short_rounds = 9;  // calls with one item are short, and their times vary more

/// The checkpoint with its matrices held in each way, and what it reads.
struct Own {
  Model f32, f16, bf16, int8;
  EncoderInputs inputs;
};

struct Peers {
  std::unique_ptr<Peer> onnx, torch;  ///< null where it cannot be started
};

/// `count` items of one kind in calls of `batch`.
struct Work {
  std::string kind;  ///< the peers' name for it
  std::size_t batch;
  std::size_t count;
};

void encode(const Model& model, const EncoderInputs& inputs, const Work& work) {
  for (std::size_t i = 0; i < work.count; i += work.batch) {
    if (work.kind == "pictures") {
      model.encode_pixels(std::span(inputs.pictures).subspan(i, work.batch));
    } else {
      const auto& texts = work.kind == "texts" ? inputs.texts : inputs.captions;
      model.encode_texts(std::span(texts).subspan(i, work.batch));
    }
  }
}

Engine own_engine(const std::string& name, const Model& model, const EncoderInputs& inputs,
                  const Work& work) {
  return {name, [&, work] { return seconds_of([&] { encode(model, inputs, work); }); }, {}};
}

Engine peer_engine(const std::string& name, Peer& peer, const std::string& kind, const Work& work) {
  const std::string request =
      "run " + kind + " " + std::to_string(work.batch) + " " + std::to_string(work.count);
  return {name, [&peer, request] { return std::stod(peer.ask(request)); }, {}};
}

constexpr const char* python = "/usr/bin/python3";  // Debian's, which has PyTorch

std::string script(const std::string& name) { return BEELD_SOURCE_DIR "/bench/peers/" + name; }

std::unique_ptr<Peer> start_peer(const std::vector<std::string>& command) {
  try {
    return std::make_unique<Peer>(command);
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "No numbers of a peer: %s\n", error.what());
    return nullptr;
  }
}

Peers start_peers(const fs::path& folder, int threads) {
  const std::string count = std::to_string(threads);
  Peers peers;
  // Without PyTorch there are no graphs for the other.
  if (!fs::exists(folder / "pictures_int8.onnx")) return peers;
  peers.onnx = start_peer({"node", script("clip_onnx.js"), folder, count});
  peers.torch = start_peer({python, script("clip_torch.py"), folder, "--threads", count});
  return peers;
}

void export_graphs(const fs::path& folder) {
  try {
    run_program({python, script("clip_torch.py"), folder, "--export", "--threads", "2"});
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "No numbers of peers: %s\n", error.what());
  }
}

void check(const Own& own, const Peers& peers, const fs::path& folder) {
  const auto compare = [&](const std::string& kind, const Matrix& rows) {
    if (peers.onnx) require_agreement(*peers.onnx, "ONNX Runtime", kind, folder, rows);
    if (peers.torch) require_agreement(*peers.torch, "PyTorch", kind, folder, rows);
  };
  compare("pictures", own.f32.encode_pixels(own.inputs.pictures));
  compare("texts", own.f32.encode_texts(own.inputs.texts));
  compare("captions", own.f32.encode_texts(own.inputs.captions));
}

/// What 8 bits cost, to be read beside what they gain.
void print_int8_error(const Own& own, const Peers& peers, const fs::path& folder) {
  const Matrix exact = own.f32.encode_pixels(own.inputs.pictures);
  std::printf("\nLowest cosine of int8 to float32 embeddings of pictures: beeld %.4f",
              lowest_cosine(own.int8.encode_pixels(own.inputs.pictures), exact));
  if (peers.onnx) {
    std::printf(", ONNX Runtime %.4f",
                lowest_cosine(embeddings_of(*peers.onnx, "pictures_int8", folder, exact), exact));
  }
  std::printf("\n");
}

/// Engines that took turns at the same number of items, and the machine's peak in the same rounds.
class Group {
 public:
  Group(std::vector<Engine> engines, int threads, const Work& work)
      : engines_(std::move(engines)), threads_(threads), work_(work) {
    engines_.push_back({"peak", [threads] { return 1 / fma_peak(threads); }, {}});
    take_turns(engines_, work.batch == 1 ? short_rounds : rounds);
  }

  double rate(const std::string& name) const {
    const double seconds = median_of(engines_, name);
    return seconds > 0 ? static_cast<double>(work_.count) / seconds : 0;
  }

  /// A row of beeld's engine of this name, with peers whose names may be empty.
  Row row(const std::string& what, const std::string& name, const std::string& onnx,
          const std::string& torch) const {
    Row row;
    row.what = what;
    row.threads = threads_;
    row.batch = work_.batch;
    row.rate = rate(name);
    row.onnx = rate(onnx);
    row.torch = rate(torch);
    return row;
  }

  /// The share of the peak that `row` reaches.
  double of_peak(const Row& row, double operations_of_item) const {
    return row.rate * operations_of_item * median_of(engines_, "peak");
  }

 private:
  std::vector<Engine> engines_;
  int threads_;
  Work work_;
};

void compare_pictures(const Own& own, const Peers& peers, int threads, const Work& work) {
  std::vector<Engine> engines{own_engine("f32", own.f32, own.inputs, work)};
  if (peers.onnx) engines.push_back(peer_engine("onnx", *peers.onnx, "pictures", work));
  if (peers.torch) engines.push_back(peer_engine("torch", *peers.torch, "pictures", work));
  engines.push_back(own_engine("int8", own.int8, own.inputs, work));
  if (peers.onnx) engines.push_back(peer_engine("onnx int8", *peers.onnx, "pictures_int8", work));
  engines.push_back(own_engine("f16", own.f16, own.inputs, work));
  engines.push_back(own_engine("bf16", own.bf16, own.inputs, work));
  const Group group(std::move(engines), threads, work);

  const bool one = work.batch == 1;
  const double needed = operations(vision_tower, 50);
  Row row = group.row("pictures", "f32", "onnx", "torch");
  row.of_peak = group.of_peak(row, needed);
  print_row(row, {.of_peak = one ? 0.60 : 0.75, .onnx = one ? 1.1 : 1.25, .torch = one ? 1.8 : 1.4});
  row = group.row("pictures, int8", "int8", "onnx int8", "");
  row.float32 = group.rate("f32");
  print_row(row, {.onnx = 1.1, .float32 = one ? 1.0 : 0});
  for (const char* type : {"f16", "bf16"}) {
    row = group.row(std::string("pictures, ") + type, type, "", "");
    row.of_peak = group.of_peak(row, needed);
    print_row(row, {});
  }
}

double operations_of_captions(const Own& own) {
  double sum = 0;
  for (const auto& caption : own.inputs.captions) {
    sum += operations(text_tower, static_cast<std::int64_t>(own.f32.tokenizer().encode(caption).size()));
  }
  return sum / static_cast<double>(own.inputs.captions.size());
}

// The peers fill captions up to 77 tokens, and so have the same work with both kinds of text.
void compare_texts(const Own& own, const Peers& peers, int threads, Work work) {
  std::vector<Engine> engines{own_engine("texts", own.f32, own.inputs, work)};
  if (peers.onnx) engines.push_back(peer_engine("onnx", *peers.onnx, "texts", work));
  if (peers.torch) engines.push_back(peer_engine("torch", *peers.torch, "texts", work));
  work.kind = "captions";
  engines.push_back(own_engine("captions", own.f32, own.inputs, work));
  const Group group(std::move(engines), threads, work);

  Row row = group.row("texts of 77 tokens", "texts", "onnx", "torch");
  row.of_peak = group.of_peak(row, operations(text_tower, 77));
  print_row(row, {.onnx = work.batch == 1 ? 0 : 1.4});
  row = group.row("captions", "captions", "onnx", "torch");
  row.of_peak = group.of_peak(row, operations_of_captions(own));
  print_row(row, {.onnx = 6, .torch = 6});
}

void beside_neighbour(const Own& own) {
  set_threads(2);
  const Work work{.kind = "pictures", .batch = 32, .count = 32};
  const auto timed = [&] { return seconds_of([&] { encode(own.f32, own.inputs, work); }); };
  std::vector<Engine> engines{{"alone", timed, {}},
                              {"disturbed",
                               [&] {
                                 const Neighbour neighbour;
                                 return timed();
                               },
                               {}}};
  take_turns(engines, rounds);
  const double share = median_of(engines, "alone") / median_of(engines, "disturbed");
  std::printf(
      "\n| pictures, 2 threads, batch 32 | items/s | of undisturbed | target |\n|---|---:|---:|---|\n");
  std::printf("| alone | %.1f | | |\n", 32 / median_of(engines, "alone"));
  std::printf("| beside a process that keeps 1 of %u cores busy | %.1f | %.0f %% | >= 45 %%%s |\n",
              std::thread::hardware_concurrency(), 32 / median_of(engines, "disturbed"), 100 * share,
              share < 0.45 ? " MISSED" : "");
}

Own load(const fs::path& folder) {
  const auto with = [&](WeightType type) { return Model::load(folder, {.weights = type}); };
  Own own{with(WeightType::f32), with(WeightType::f16), with(WeightType::bf16), with(WeightType::int8), {}};
  own.inputs = make_encoder_inputs(own.f32);
  return own;
}

}  // namespace

void encoders(const fs::path& folder) {
  const Own own = load(folder);
  write_encoder_inputs(own.inputs, own.f32, folder);
  export_graphs(folder);

  std::printf(
      "CLIP ViT-B/32 with random weights; captions as long as those of %s, %.1f tokens on average\n\n",
      own.inputs.source.c_str(), static_cast<double>(token_count(own.f32, own.inputs.captions)) / 32);
  print_head();
  for (const int threads : {1, 2}) {
    set_threads(threads);
    const Peers peers = start_peers(folder, threads);
    check(own, peers, folder);
    for (const auto& [batch, count] : {std::pair<std::size_t, std::size_t>{1, 8}, {32, 32}}) {
      compare_pictures(own, peers, threads, {.kind = "pictures", .batch = batch, .count = count});
      compare_texts(own, peers, threads, {.kind = "texts", .batch = batch, .count = count});
    }
    if (threads == 2) print_int8_error(own, peers, folder);
  }
  beside_neighbour(own);
}

}  // namespace beeld::bench
