#include "multimodal/training/run_file.h"

#include <beeld/error.h>
#include <glob.h>

#include <cmath>
#include <limits>

#include "core/format/settings.h"

namespace beeld {

namespace {

using nlohmann::json;

[[noreturn]] void fail(const Settings& settings, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[train] " + settings.origin() + ": " + what);
}

struct Range {
  double low, high;
};

double number(Settings& settings, const char* key, double fallback, Range range) {
  const double value = settings.number(key, fallback);
  if (!(value >= range.low && value <= range.high)) {
    fail(settings, std::string(key) + " is " + json(value).dump() + ", which is not in [" +
                       json(range.low).dump() + ", " + json(range.high).dump() + "]");
  }
  return value;
}

/// Which of its names a field bears: run files of earlier versions have the former one.
const char* renamed(const Settings& settings, const char* key, const char* former) {
  if (!settings.has(former)) return key;
  if (settings.has(key))
    fail(settings, std::string(former) + " is the former name of " + key + ": one too many");
  return former;
}

constexpr double unbounded = std::numeric_limits<double>::max();
constexpr int most = std::numeric_limits<int>::max();

std::vector<std::string> strings(Settings& settings, const char* key) {
  const auto& value = settings.raw(key);
  std::vector<std::string> result;
  if (value.is_null()) return result;
  if (!value.is_array()) fail(settings, std::string(key) + " is not a list");
  for (const auto& entry : value) {
    if (!entry.is_string()) fail(settings, std::string(key) + " is not a list of strings");
    result.push_back(entry.get<std::string>());
  }
  return result;
}

/// The files that a pattern names, sorted.
std::vector<std::filesystem::path> files(Settings& settings, const char* key) {
  std::vector<std::filesystem::path> result;
  for (const auto& pattern : strings(settings, key)) {
    glob_t found{};
    const int code = ::glob(pattern.c_str(), 0, nullptr, &found);
    for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) result.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    if (code != 0)
      throw Error(ErrorCode::not_found, "[train] " + settings.origin() + ": " + key + ": no file " + pattern);
  }
  if (result.empty()) fail(settings, std::string(key) + " names no file");
  return result;
}

/// The objects of a list.
std::vector<Settings> objects(Settings& settings, const char* key) {
  const auto& value = settings.raw(key);
  std::vector<Settings> result;
  if (value.is_null()) return result;
  if (!value.is_array()) fail(settings, std::string(key) + " is not a list");
  for (std::size_t i = 0; i < value.size(); ++i)
    result.emplace_back(value[i], settings.origin() + " " + key + "[" + std::to_string(i) + "]");
  return result;
}

/// A list of [step, value], in ascending order of steps.
std::vector<std::pair<std::int64_t, double>> schedule(Settings& settings, const char* key) {
  const auto& value = settings.raw(key);
  std::vector<std::pair<std::int64_t, double>> result;
  if (value.is_null()) return result;
  const std::string wanted = std::string(key) + " is not a list of [step, value] in ascending order of steps";
  if (!value.is_array()) fail(settings, wanted);
  for (const auto& entry : value) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_number_unsigned() || !entry[1].is_number() ||
        entry[0].get<std::uint64_t>() > static_cast<std::uint64_t>(most))
      fail(settings, wanted);
    result.emplace_back(entry[0].get<std::int64_t>(), entry[1].get<double>());
    if (result.size() > 1 && result[result.size() - 2].first >= result.back().first) fail(settings, wanted);
  }
  return result;
}

Augmentation read_augmentation(Settings settings) {
  Augmentation augmentation;
  augmentation.min_area = number(settings, "min_area", 1, {1e-6, 1});
  augmentation.max_aspect = number(settings, "max_aspect", 1, {1, unbounded});
  augmentation.flip = number(settings, "flip", 0, {0, 1});
  augmentation.brightness = number(settings, "brightness", 0, {0, unbounded});
  augmentation.contrast = number(settings, "contrast", 0, {0, unbounded});
  augmentation.saturation = number(settings, "saturation", 0, {0, unbounded});
  settings.done();
  return augmentation;
}

void read_source(TrainingRun& run, Settings settings) {
  TrainingSource source;
  source.name = settings.string("name", "");
  source.shards = files(settings, "shards");
  source.weight = number(settings, "weight", 1, {1e-9, 1e9});
  source.classes = settings.string("classes", "");
  source.templates = strings(settings, "templates");
  source.augmentation = read_augmentation(settings.object("augmentation"));
  run.taught.push_back(settings.boolean("taught", true));
  settings.done();
  if (source.name.empty()) fail(settings, "a source without a name");
  run.sources.push_back(std::move(source));
}

void read_evaluation(TrainingRun& run, Settings settings) {
  RunEvaluation evaluation;
  const auto task = settings.string("task", "");
  if (task != "zero-shot" && task != "retrieval") fail(settings, "task is neither zero-shot nor retrieval");
  evaluation.task = task == "retrieval" ? RunEvaluation::Task::retrieval : RunEvaluation::Task::zero_shot;
  evaluation.name = settings.string("name", task);
  evaluation.shards = files(settings, "shards");
  evaluation.classes = settings.string("classes", "");
  evaluation.templates = strings(settings, "templates");
  if (task == "zero-shot" && evaluation.classes.empty()) fail(settings, "zero-shot needs a class file");
  settings.done();
  run.evaluations.push_back(std::move(evaluation));
}

LossSettings read_loss(Settings settings) {
  const auto weight = [&](const char* key, double fallback) {
    return number(settings, key, fallback, {0, unbounded});
  };
  LossSettings loss;
  loss.contrastive = weight("contrastive", 1);
  loss.sigmoid = weight("sigmoid", 0);
  loss.image_distillation = weight("image_distillation", 0);
  loss.text_distillation = weight("text_distillation", 0);
  loss.affinity = weight("affinity", 0);
  settings.done();
  if (loss.contrastive + loss.sigmoid + loss.image_distillation + loss.text_distillation + loss.affinity == 0)
    fail(settings, "every part of the loss is 0");
  return loss;
}

OptimizerSettings read_optimizer(Settings settings) {
  OptimizerSettings optimizer;
  optimizer.learning_rate = number(settings, "learning_rate", 1e-3, {0, 10});
  optimizer.final_rate = number(settings, "final_rate", 0, {0, 1});
  optimizer.warm_up_steps = settings.bounded("warm_up_steps", 0, 0, most);
  optimizer.beta1 = number(settings, "beta1", 0.9, {0, 0.9999999});
  optimizer.beta2 = number(settings, "beta2", 0.98, {0, 0.9999999});
  optimizer.epsilon = number(settings, "epsilon", 1e-6, {1e-30, 1});
  optimizer.weight_decay = number(settings, "weight_decay", 0.1, {0, 10});
  optimizer.max_grad_norm =
      number(settings, renamed(settings, "max_grad_norm", "largest_gradient_norm"), 1, {0, unbounded});
  optimizer.ema = number(settings, renamed(settings, "ema", "average"), 0, {0, 0.9999999});
  settings.done();
  return optimizer;
}

void read_data(TrainingRun& run, Settings& settings) {
  run.data.batch = settings.bounded("batch", 256, 2, 1 << 20);
  run.data.edge = settings.bounded("edge", 64, 1, 1 << 12);
  for (const auto& [step, edge] : schedule(settings, "edges")) {
    if (!(edge >= 1 && edge <= 1 << 12)) fail(settings, "edges has a size outside [1, 4096]");
    run.data.edges.push_back({step, static_cast<int>(edge)});
  }
  run.data.seed = static_cast<std::uint64_t>(settings.integer("seed", 0));
  run.data.shards_at_once = settings.bounded("shards_at_once", 8, 1, 1 << 20);
  run.data.cache_bytes = static_cast<std::size_t>(settings.bounded("cache_megabytes", 1024, 0, most)) << 20;
  for (const auto& [step, part] : schedule(settings, "patch_drop")) {
    if (!(part >= 0 && part < 1)) fail(settings, "patch_drop has a part outside [0, 1)");
    run.patch_drop.push_back({step, part});
  }
  for (auto& source : objects(settings, "sources")) read_source(run, source);
  if (run.sources.empty()) fail(settings, "there are no sources");
}

void read_learner(LearnerSettings& learner, Settings& settings) {
  learner.steps = settings.bounded("steps", 0, 0, most);
  if (learner.steps == 0) fail(settings, "steps is missing");
  learner.loss = read_loss(settings.object("loss"));
  learner.optimizer = read_optimizer(settings.object("optimizer"));
  learner.largest_logit_scale = number(settings, "largest_logit_scale", 100, {1, 1e6});
  learner.chunk = settings.bounded("chunk", 32, 1, 1 << 20);
  const auto activations = settings.string("activations", "kept");
  if (activations != "kept" && activations != "recomputed")
    fail(settings, "activations is neither kept nor recomputed");
  learner.activations = activations == "kept" ? Activations::kept : Activations::recomputed;
}

}  // namespace

TrainingRun read_run_file(const std::filesystem::path& file) {
  auto settings = Settings::from_file(file.string());
  TrainingRun run{};
  run.model = settings.raw("model");
  run.tokenizer = settings.string("tokenizer", "");
  read_data(run, settings);
  read_learner(run.learner, settings);
  run.teacher_logit_scale = number(settings, "teacher_logit_scale", 0, {0, 1e6});
  run.checkpoint_every = settings.bounded("checkpoint_every", 1000, 1, most);
  run.evaluate_every = settings.bounded("evaluate_every", 0, 0, most);
  run.log_every = settings.bounded("log_every", 50, 1, most);
  const auto weights = settings.string("weights", "f32");
  if (weights != "f32" && weights != "f16") fail(settings, "weights is neither f32 nor f16");
  run.weights = weights == "f16" ? DType::f16 : DType::f32;
  for (auto& evaluation : objects(settings, "evaluate")) read_evaluation(run, evaluation);
  settings.done();
  return run;
}

}  // namespace beeld
