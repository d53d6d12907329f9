#include "multimodal/training/run.h"

#include <beeld/error.h>

#include <chrono>
#include <fstream>
#include <new>

#include "core/base/files.h"
#include "core/format/named_tensors.h"
#include "core/format/settings.h"
#include "multimodal/training/evaluation.h"
#include "multimodal/training/pair_batch.h"
#include "multimodal/training/position.h"
#include "multimodal/training/run_files.h"
#include "multimodal/training/teacher.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::size_t small_file = 64u << 20;

/// Files of a checkpoint folder besides its weights.
constexpr const char* companions[] = {
    "config.json",           "preprocessor_config.json", "tokenizer.json", "spiece.model",
    "tokenizer_config.json", "special_tokens_map.json",  "vocab.json",     "merges.txt",
    "tokenizer.model"};

void copy_companions(const fs::path& from, const fs::path& to) {
  for (const auto* name : companions) {
    if (fs::exists(from / name)) write_file_atomically(to / name, read_file(from / name, small_file));
  }
}

/// Pictures are squashed to the model's size and brought to [-1, 1].
std::string preprocessor_config(int edge) {
  const ordered_json size{{"height", edge}, {"width", edge}};
  constexpr int bicubic = 3;
  return ordered_json{{"image_processor_type", "CLIPImageProcessor"},
                      {"do_convert_rgb", true},
                      {"do_resize", true},
                      {"size", size},
                      {"resample", bicubic},
                      {"do_center_crop", false},
                      {"do_rescale", true},
                      {"rescale_factor", 1.0 / 255},
                      {"do_normalize", true},
                      {"image_mean", {0.5, 0.5, 0.5}},
                      {"image_std", {0.5, 0.5, 0.5}}}
             .dump(2) +
         "\n";
}

/// Fills the folder with the model that the run begins with.
void begin(const RunOptions& options, const TrainingRun& run) {
  const RunFiles files{options.out};
  // The run's own folder comes first, so that without one a checkpoint is somebody else's.
  if (fs::exists(files.weights()) && !fs::exists(files.state())) {
    throw Error(
        ErrorCode::invalid_argument,
        "[train] " + options.out.string() + " holds a checkpoint that no run made; choose another folder");
  }
  fs::create_directories(files.state());
  if (!options.init.empty()) {
    copy_companions(options.init, options.out);
    const auto model = load_trainable(options.init);
    return write_named_tensors(files.weights(), model.named, DType::f32, {{"format", "pt"}});
  }
  if (!run.model.is_object()) {
    throw Error(ErrorCode::invalid_argument,
                "[train] " + options.run_file.string() + " describes no model, and there is no --init");
  }
  Settings model(run.model, options.run_file.string() + " model");
  const int edge = model.object("vision_config").bounded("image_size", 224, 1, 1 << 14);
  copy_companions(run.tokenizer, options.out);
  write_file_atomically(files.config(), run.model.dump(2) + "\n");
  write_file_atomically(files.preprocessor(), preprocessor_config(edge));
  write_named_tensors(files.weights(), initialize_weights(files.config(), run.data.seed), DType::f32,
                      {{"format", "pt"}});
}

double drop_at(const TrainingRun& run, std::int64_t step) {
  double part = 0;
  for (const auto& drop : run.patch_drop) {
    if (step >= drop.step) part = drop.part;
  }
  return part;
}

class Run {
 public:
  Run(const RunOptions& options, const RunEvents& events)
      : options_(options), events_(events), files_{options.out}, run_(read_run_file(options.run_file)) {
    const auto description = describe();
    const bool resumed = fs::exists(files_.settings());
    if (!resumed) begin(options, run_);
    if (resumed && read_file(files_.settings(), small_file) != description) refuse_other_run();
    for (const auto& written : {files_.out, files_.state()}) remove_unfinished_files(written);
    run_.learner.learn_vision = options.learn_vision;
    run_.learner.learn_text = options.learn_text;
    learner_.emplace(load_trainable(files_.out), run_.learner);
    const auto position = fs::exists(files_.checkpoint()) ? restore() : TrainingPosition{};
    if (!options.teacher.empty()) make_teacher();
    run_.data.prefetch = batches_ahead();
    data_.emplace(run_.sources, run_.data, position);
    // Only now: a run that could not begin may be mended and begun again.
    if (!resumed) write_file_atomically(files_.settings(), description);
  }

  RunEnd go() {
    const auto steps = run_.learner.steps;
    // The folder's weights may soon be newer than the last checkpoint, so that there must be a first one.
    if (learner_->steps_done() == 0) save();
    auto since = Clock::now();
    std::int64_t logged = learner_->steps_done();
    while (learner_->steps_done() < steps) {
      if (events_.stop && events_.stop()) {
        save();
        return RunEnd::stopped;
      }
      const auto report = learner_->step(next_batch());
      const auto done = learner_->steps_done();
      if (events_.stepped) events_.stepped(done, steps);
      if (done % run_.log_every == 0 || done == steps) {
        const double seconds = std::chrono::duration<double>(Clock::now() - since).count();
        log_step(done, report, static_cast<double>((done - logged) * run_.data.batch) / seconds);
        logged = done;
        since = Clock::now();
      }
      if (done % run_.checkpoint_every == 0 && done < steps) save();
      if (done == steps || (run_.evaluate_every > 0 && done % run_.evaluate_every == 0)) {
        evaluate_and_log();
        since = Clock::now();
      }
    }
    save();
    return RunEnd::finished;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// The run file, and what the command line adds to it.
  std::string describe() const {
    const auto file = read_json(options_.run_file);
    return ordered_json{{"run", file},
                        {"init", options_.init.string()},
                        {"teacher", options_.teacher.string()},
                        {"learn_vision", options_.learn_vision},
                        {"learn_text", options_.learn_text}}
               .dump(2) +
           "\n";
  }

  /// The folder belongs to another run. Who only wants more steps is told how to get them.
  [[noreturn]] void refuse_other_run() const {
    auto here = read_json(files_.settings()).value("run", nlohmann::json::object());
    auto wanted = read_json(options_.run_file);
    const auto steps = [](nlohmann::json& run) {
      const auto count = run.contains("steps") ? run["steps"].dump() : "no";
      if (run.is_object()) run.erase("steps");
      return count;
    };
    const auto before = steps(here), now = steps(wanted);
    const auto out = options_.out.string(), run_file = options_.run_file.string();
    if (here == wanted && before != now) {
      throw Error(
          ErrorCode::invalid_argument,
          "[train] " + out + " holds a run of " + before + " steps, and " + run_file + " has " + now +
              "; its learning rate was planned for " + before +
              ", so that more of them are a run of their own, which begins with its weights: beeld train " +
              run_file + " --init " + out + " --out ANOTHER-FOLDER");
    }
    throw Error(ErrorCode::invalid_argument,
                "[train] " + out + " holds another run than " + run_file + "; choose another folder");
  }

  /// Goes on where the checkpoint ends.
  TrainingPosition restore() {
    const auto origin = files_.checkpoint().string();
    const auto metadata = learner_->restore(files_.checkpoint());
    const auto it = metadata.find(checkpoint_names::position);
    if (it == metadata.end()) throw Error(ErrorCode::corrupt, "[train] " + origin + ": no position");
    return position_from_json(parse_json(it->second, origin), origin);
  }

  void make_teacher() {
    std::vector<Teacher::Source> sources;
    for (std::size_t i = 0; i < run_.sources.size(); ++i)
      sources.push_back({&run_.sources[i], run_.taught[i]});
    teacher_.emplace(Model::load(options_.teacher), sources, files_, events_.teaching);
    if (teacher_->dimension() != learner_->model().state.info.dimension) {
      throw Error(ErrorCode::invalid_argument,
                  "[train] the teacher embeds in " + std::to_string(teacher_->dimension()) +
                      " dimensions, the model in " + std::to_string(learner_->model().state.info.dimension));
    }
  }

  PairBatch next_batch() {
    const auto [samples, skipped, after] = data_->next();
    for (const auto& sample : skipped) {
      if (events_.skipped) events_.skipped(sample);
    }
    const auto step = learner_->steps_done();
    auto batch = make_pair_batch(samples, learner_->model().state,
                                 {.dropped = drop_at(run_, step), .seed = mix(run_.data.seed, step)});
    if (teacher_) {
      batch.teacher = teacher_->pairs(samples);
      if (run_.teacher_logit_scale > 0)
        batch.teacher.log_scale = static_cast<float>(std::log(run_.teacher_logit_scale));
    }
    return batch;
  }

  void save() {
    learner_->save(files_.checkpoint(),
                   {{checkpoint_names::position, position_to_json(data_->position()).dump()}});
  }

  void log(const ordered_json& line) {
    std::ofstream file(files_.log(), std::ios::app);
    file << line.dump() << '\n';
    if (!file.flush()) throw Error(ErrorCode::io, "[train] cannot write " + files_.log().string());
    if (events_.logged) events_.logged(line);
  }

  void log_step(std::int64_t done, const StepReport& report, double rate) {
    ordered_json line{{"step", done}, {"loss", report.loss}};
    const auto& loss = run_.learner.loss;
    if (loss.contrastive > 0) line["contrastive"] = report.contrastive;
    if (loss.sigmoid > 0) line["sigmoid"] = report.sigmoid;
    if (teacher_ && loss.image_distillation > 0) line["image_distillation"] = report.image_distillation;
    if (teacher_ && loss.text_distillation > 0) line["text_distillation"] = report.text_distillation;
    if (teacher_ && loss.affinity > 0) line["affinity"] = report.affinity;
    line["learning_rate"] = report.learning_rate;
    line["gradient_norm"] = report.gradient_norm;
    line["logit_scale"] = report.logit_scale;
    line["samples_per_second"] = rate;
    log(line);
  }

  /// Leaves the weights so far in the folder, and measures them as anyone would who loads it.
  void evaluate_and_log() {
    const auto done = learner_->steps_done();
    learner_->export_weights(files_.weights(), run_.weights);
    if (run_.evaluations.empty()) return;
    const auto model = Model::load(files_.out);
    for (const auto& evaluation : run_.evaluations) {
      auto line = evaluate(model, evaluation);
      ordered_json whole{{"step", done}};
      whole.update(line);
      log(whole);
    }
  }

  const RunOptions& options_;
  const RunEvents& events_;
  const RunFiles files_;
  TrainingRun run_;
  std::optional<Learner> learner_;
  std::optional<Teacher> teacher_;
  std::optional<TrainingData> data_;
};

}  // namespace

RunEnd train(const RunOptions& options, const RunEvents& events) {
  try {
    return Run(options, events).go();
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::io, std::string("[train] ") + error.what());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::limit, "[train] " + options.run_file.string() + ": not enough memory");
  }
}

}  // namespace beeld
