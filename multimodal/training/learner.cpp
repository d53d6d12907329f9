#include "multimodal/training/learner.h"

#include <beeld/error.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/base/parallel.h"
#include "core/format/named_tensors.h"
#include "core/format/safetensors.h"
#include "core/ops/rows.h"
#include "core/tensor/tape.h"
#include "multimodal/training/run_files.h"

namespace beeld {

namespace {

std::vector<Optimizer::Parameter> parameters_of(TrainableModel& model, const LearnerSettings& settings) {
  std::vector<Optimizer::Parameter> parameters;
  const auto add = [&](Tensor<float>& values, Decay decay) { parameters.push_back({values, decay}); };
  if (settings.learn_vision) visit_parameters(model.state.vision, add);
  if (settings.learn_text) visit_parameters(*model.state.text, add);
  add(model.logit_scale, Decay::no);
  if (!model.logit_bias.empty()) add(model.logit_bias, Decay::no);
  return parameters;
}

/// The parameters of towers that do not learn.
std::vector<Tensor<float>> frozen_parameters_of(TrainableModel& model, const LearnerSettings& settings) {
  std::vector<Tensor<float>> parameters;
  const auto add = [&](Tensor<float>& values, Decay) { parameters.push_back(values); };
  if (!settings.learn_vision) visit_parameters(model.state.vision, add);
  if (!settings.learn_text) visit_parameters(*model.state.text, add);
  return parameters;
}

/// A part of the batch that one pass encodes.
struct Chunk {
  enum class Kind { images, texts } kind;
  std::int64_t begin, end;
};

/// Chunks for every lane: each thread has its own tape, and sums gradients over its own chunks.
std::vector<std::vector<Chunk>> plan(std::int64_t batch, int chunk, int lanes) {
  std::vector<std::vector<Chunk>> plan(static_cast<std::size_t>(lanes));
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    auto& chunks = plan[static_cast<std::size_t>(lane)];
    const auto first = batch * lane / lanes, last = batch * (lane + 1) / lanes;
    for (auto begin = first; begin < last; begin += chunk)
      chunks.push_back({Chunk::Kind::images, begin, std::min(begin + chunk, last)});
    for (auto begin = first; begin < last; begin += 2 * chunk)
      chunks.push_back({Chunk::Kind::texts, begin, std::min(begin + 2 * chunk, last)});
  }
  return plan;
}

template <class T>
std::span<const T> part(const std::vector<T>& all, const Chunk& chunk) {
  if (all.empty()) return {};
  return std::span(all).subspan(static_cast<std::size_t>(chunk.begin),
                                static_cast<std::size_t>(chunk.end - chunk.begin));
}

void copy_rows(const Tensor<float>& from, std::int64_t begin, Tensor<float>& to) {
  std::copy_n(from.data(), from.size(), to.row(begin));
}

void add_to(Tensor<float>& sum, const Tensor<float>& part) {
  if (part.empty()) return;
  if (sum.empty()) {
    sum = part;
  } else {
    std::transform(part.data(), part.data() + part.size(), sum.data(), sum.data(), std::plus<>());
  }
}

Tensor<float> single(float value) {
  Tensor<float> result({1});
  *result.data() = value;
  return result;
}

/// Runs one body for every lane, side by side.
void for_each_lane(std::size_t lanes, const std::function<void(std::size_t)>& body) {
  parallel_for(static_cast<std::int64_t>(lanes), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto lane = begin; lane < end; ++lane) body(static_cast<std::size_t>(lane));
  });
}

}  // namespace

/// The embeddings of a batch, and how each chunk came about.
struct Learner::Encoded {
  struct Lane {
    std::vector<Chunk> chunks;
    std::vector<Tensor<float>> results;  // of each chunk; empty where nothing is to be learned from it
    std::unique_ptr<Tape<float>> tape;
  };
  std::vector<Lane> lanes;
  PairedEmbeddings<float> pairs;
};

Learner::Learner(TrainableModel model, const LearnerSettings& settings)
    : model_(std::move(model)),
      settings_(settings),
      optimizer_(parameters_of(model_, settings), settings.optimizer),
      frozen_(frozen_parameters_of(model_, settings)) {
  // Training may show pictures smaller than the model's own size.
  if (model_.state.vision.config.fit == GridFit::none) model_.state.vision.config.fit = GridFit::bicubic;
}

namespace {

Tensor<float> encode_chunk(const ModelParts& state, const PairBatch& batch, const Chunk& chunk,
                           Tape<float>* tape) {
  Pass<float> pass;
  pass.tape = tape;
  const auto raw = chunk.kind == Chunk::Kind::images
                       ? encode(state.vision, part(batch.images, chunk), pass, part(batch.kept, chunk))
                       : encode(*state.text, part(batch.texts, chunk), pass);
  return l2_normalize(raw, pass);
}

}  // namespace

Learner::Encoded Learner::encode_all(const PairBatch& batch) const {
  const bool record = settings_.activations == Activations::kept;
  const auto count = static_cast<std::int64_t>(batch.images.size());
  const auto dimension = static_cast<std::int64_t>(model_.state.info.dimension);
  Encoded encoded;
  encoded.pairs = {Tensor<float>({count, dimension}), Tensor<float>({count, dimension}),
                   *model_.logit_scale.data(), model_.logit_bias.empty() ? 0 : *model_.logit_bias.data()};
  for (auto& chunks : plan(count, settings_.chunk, thread_count())) {
    encoded.lanes.push_back({std::move(chunks), {}, std::make_unique<Tape<float>>()});
  }
  for_each_lane(encoded.lanes.size(), [&](std::size_t i) {
    auto& lane = encoded.lanes[i];
    for (const auto& parameter : optimizer_.parameters()) lane.tape->watch(parameter.values);
    for (const auto& chunk : lane.chunks) {
      const bool is_image = chunk.kind == Chunk::Kind::images;
      const bool learns = is_image ? settings_.learn_vision : settings_.learn_text;
      auto result = encode_chunk(model_.state, batch, chunk, record && learns ? lane.tape.get() : nullptr);
      copy_rows(result, chunk.begin, is_image ? encoded.pairs.images : encoded.pairs.texts);
      lane.results.push_back(learns ? std::move(result) : Tensor<float>{});
    }
  });
  return encoded;
}

double Learner::add_losses(const PairBatch& batch, const PairedEmbeddings<float>& pairs,
                           LossGradient<float>& gradient, StepReport& report) const {
  const auto& loss = settings_.loss;
  const auto weight = [](double value) { return static_cast<float>(value); };
  if (loss.contrastive > 0)
    report.contrastive = contrastive_loss<float>(pairs, batch.groups, weight(loss.contrastive), gradient);
  if (loss.sigmoid > 0)
    report.sigmoid = sigmoid_loss<float>(pairs, batch.groups, weight(loss.sigmoid), gradient);
  if (!batch.teacher.images.empty()) {
    if (loss.image_distillation > 0)
      report.image_distillation =
          cosine_loss(pairs.images, batch.teacher.images, weight(loss.image_distillation), gradient.images);
    if (loss.text_distillation > 0)
      report.text_distillation =
          cosine_loss(pairs.texts, batch.teacher.texts, weight(loss.text_distillation), gradient.texts);
    if (loss.affinity > 0)
      report.affinity = affinity_loss(pairs, batch.teacher, weight(loss.affinity), gradient);
  }
  return report.contrastive + report.sigmoid + report.image_distillation + report.text_distillation +
         report.affinity;
}

void Learner::backward(const PairBatch& batch, const LossGradient<float>& gradient, Encoded& encoded) const {
  for_each_lane(encoded.lanes.size(), [&](std::size_t l) {
    auto& [chunks, results, tape] = encoded.lanes[l];
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      if (results[c].empty()) continue;
      const auto& chunk = chunks[c];
      const auto& all = chunk.kind == Chunk::Kind::images ? gradient.images : gradient.texts;
      const auto rows = all.slice(chunk.begin, chunk.end);
      if (settings_.activations == Activations::kept) {
        tape->add(results[c], rows);
      } else {
        tape->add(encode_chunk(model_.state, batch, chunk, tape.get()), rows);
        tape->backward();
      }
    }
    results.clear();
    if (settings_.activations == Activations::kept) tape->backward();
  });
}

std::vector<Tensor<float>> Learner::sum_gradients(const Encoded& encoded,
                                                  const LossGradient<float>& gradient) const {
  const auto& parameters = optimizer_.parameters();
  std::vector<Tensor<float>> sums(parameters.size());
  const auto is = [](const Tensor<float>& values, const Tensor<float>& named) {
    return values.identity() == named.identity();
  };
  parallel_for(static_cast<std::int64_t>(parameters.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto p = static_cast<std::size_t>(begin); p < static_cast<std::size_t>(end); ++p) {
      const auto& values = parameters[p].values;
      if (is(values, model_.logit_scale)) {
        sums[p] = single(gradient.log_scale);
      } else if (is(values, model_.logit_bias)) {
        sums[p] = single(gradient.bias);
      } else {
        for (const auto& lane : encoded.lanes) add_to(sums[p], lane.tape->gradient(values));
      }
    }
  });
  return sums;
}

StepReport Learner::step(const PairBatch& batch) {
  StepReport report;
  auto encoded = encode_all(batch);
  auto gradient = LossGradient<float>::like(encoded.pairs);
  report.loss = add_losses(batch, encoded.pairs, gradient, report);
  if (!std::isfinite(report.loss)) {
    throw Error(ErrorCode::limit, "[train] the loss of step " + std::to_string(step_) +
                                      " is not a number; a lower learning rate may help");
  }
  backward(batch, gradient, encoded);
  auto gradients = sum_gradients(encoded, gradient);

  report.learning_rate = learning_rate(settings_.optimizer, step_, settings_.steps);
  report.gradient_norm = optimizer_.update(gradients, report.learning_rate, step_);
  float& log_scale = *model_.logit_scale.data();
  log_scale = std::clamp(log_scale, 0.0F, static_cast<float>(std::log(settings_.largest_logit_scale)));
  report.logit_scale = std::exp(log_scale);
  ++step_;
  return report;
}

namespace {

std::int64_t step_of(const std::string& digits) {
  const bool number =
      !digits.empty() && digits.size() <= 15 && digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoll(digits) : -1;
}

}  // namespace

std::vector<NamedTensor> Learner::saved_tensors() const {
  std::vector<NamedTensor> tensors;
  const auto add = [&](const char* what, std::size_t number, const Tensor<float>& values) {
    if (!values.empty()) tensors.push_back({what + std::to_string(number), {values.size()}, values});
  };
  const auto& memory = optimizer_.memory();
  for (std::size_t p = 0; p < memory.size(); ++p) {
    add(checkpoint_names::values, p, optimizer_.parameters()[p].values);
    add(checkpoint_names::mean, p, memory[p].mean);
    add(checkpoint_names::variance, p, memory[p].variance);
    add(checkpoint_names::ema, p, memory[p].ema);
  }
  for (std::size_t p = 0; p < frozen_.size(); ++p) add(checkpoint_names::frozen, p, frozen_[p]);
  return tensors;
}

void Learner::save(const std::filesystem::path& file, std::map<std::string, std::string> metadata) const {
  metadata[checkpoint_names::step] = std::to_string(step_);
  write_named_tensors(file, saved_tensors(), DType::f32, metadata);
}

std::map<std::string, std::string> Learner::restore(const std::filesystem::path& file) {
  const SafetensorsFile stored(file);
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::corrupt, "[train] " + file.string() + ": " + what + "; it belongs to another run");
  };
  const auto it = stored.metadata().find(checkpoint_names::step);
  const auto step = it == stored.metadata().end() ? -1 : step_of(it->second);
  if (step < 0) fail("no step number");
  auto tensors = saved_tensors();
  if (tensors.size() != stored.tensors().size()) fail("other tensors than this model has");
  for (const auto& tensor : tensors) {
    const auto found = stored.tensors().find(tensor.name);
    if (found == stored.tensors().end() || found->second.dtype != DType::f32 ||
        found->second.shape != tensor.shape)
      fail("no " + tensor.name + " of the right size");
  }
  for (auto& tensor : tensors) {
    const auto bytes = stored.tensors().find(tensor.name)->second.bytes;
    std::ranges::copy(bytes, reinterpret_cast<std::byte*>(tensor.values.data()));
  }
  step_ = step;
  return stored.metadata();
}

void Learner::export_weights(const std::filesystem::path& file, DType dtype) {
  optimizer_.exchange_with_ema();
  try {
    write_named_tensors(file, model_.named, dtype, {{"format", "pt"}});
  } catch (...) {
    optimizer_.exchange_with_ema();
    throw;
  }
  optimizer_.exchange_with_ema();
}

}  // namespace beeld
