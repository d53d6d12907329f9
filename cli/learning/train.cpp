#include <beeld/error.h>
#include <beeld/store.h>

#include "cli/command.h"
#include "cli/learning/training_table.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "core/base/files.h"
#include "core/format/safetensors.h"
#include "multimodal/training/curves.h"
#include "multimodal/training/run.h"
#include "multimodal/training/run_files.h"

namespace beeld::cli {

namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  std::string run_file;
  std::string out;
  std::string init;
  std::string teacher;
  std::string freeze;
  std::string html;
};

/// Draws what the log in the folder tells, if that was asked for.
void draw_curves(const TrainOptions& options) {
  if (options.html.empty()) return;
  constexpr std::size_t largest_log = 256u << 20;
  const auto folder = fs::absolute(options.out / fs::path()).lexically_normal().parent_path();
  const auto log = RunFiles{folder}.log();
  write_curves(options.html, folder.filename().native(),
               fs::exists(log) ? read_file(log, largest_log) : std::string());
}

/// The steps of this run where it has ended before, else 0.
std::int64_t steps_of_finished(const TrainOptions& options) {
  const RunFiles files{options.out};
  if (!fs::exists(files.settings()) || !fs::exists(files.checkpoint())) return 0;
  const auto run = read_json(options.run_file);
  if (!run.contains("steps") || read_json(files.settings()).value("run", nlohmann::json()) != run) return 0;
  const auto steps = run["steps"].dump();
  const auto metadata = SafetensorsFile(files.checkpoint()).metadata();
  const auto done = metadata.find(checkpoint_names::step);
  return done != metadata.end() && done->second == steps ? run["steps"].get<std::int64_t>() : 0;
}

/// Shows what a run tells.
class Narrator {
 public:
  Narrator(Session& session, const TrainOptions& options) : session_(session), options_(options) {}

  RunEvents events() {
    RunEvents events;
    events.stop = interrupted;
    events.teaching = [this](std::size_t pictures) { teaching(pictures); };
    events.stepped = [this](std::int64_t step, std::int64_t steps) { stepped(step, steps); };
    events.logged = [this](const Json& line) { logged(line); };
    events.skipped = [this](const SkippedSample& sample) {
      bar_.clear();
      session_.output.failed(sample.shard.string() + ": " + sample.key, sample.reason);
    };
    return events;
  }

  void finish() {
    bar_.clear();
    if (!session_.output.json())
      session_.output.text(shown_path(options_.out) + ": trained for " +
                           grouped(static_cast<std::uint64_t>(steps_)) + " steps\n");
  }

  /// Of a run that an earlier call has brought to its end.
  void finished_before(std::int64_t steps) {
    bar_.clear();
    const auto text = shown_path(options_.out) + ": this run is finished, after " +
                      grouped(static_cast<std::uint64_t>(steps)) +
                      " steps; to train on, begin another folder with its weights: beeld train " +
                      printable(options_.run_file) + " --init " + printable(options_.out) +
                      " --out ANOTHER-FOLDER";
    session_.output.json() ? session_.output.note(text) : session_.output.text(text + "\n");
  }

  std::int64_t steps() const { return steps_; }
  void clear() { bar_.clear(); }

 private:
  void teaching(std::size_t pictures) {
    if (!teaching_) bar_.restart("asking the teacher");
    teaching_ = true;
    bar_.show(pictures, 0);
  }

  void stepped(std::int64_t step, std::int64_t steps) {
    if (teaching_) bar_.restart("training");
    teaching_ = false;
    steps_ = steps;
    bar_.show(static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(steps));
  }

  void logged(const Json& line) {
    auto& output = session_.output;
    bar_.clear();
    if (line.contains("loss")) bar_.rename("training  loss " + fixed(line["loss"].get<double>(), 4));
    output.json() ? output.object(line) : output.text(table_.rows(line));
    output.finish();
    if (line.contains("evaluation")) draw();
  }

  /// A picture that cannot be drawn is no reason to end a run.
  void draw() {
    try {
      draw_curves(options_);
    } catch (const Error& error) {
      session_.output.failed(options_.html, error.what());
    }
  }

  Session& session_;
  const TrainOptions& options_;
  Progress bar_{session_.output, "training"};
  TrainingTable table_;
  bool teaching_ = false;
  std::int64_t steps_ = 0;
};

/// The folder of a reference to a model, or nothing for none.
std::filesystem::path named_model(const std::string& reference) {
  return reference.empty() ? std::filesystem::path{} : resolve_model(reference);
}

ExitCode run_training(Session& session, const TrainOptions& options) {
  const InterruptWatch watch(AfterInterrupt::wait, "interrupted: saving (Ctrl-C again ends at once)");
  draw_curves(options);  // a place that cannot be written to is known before the hours of training
  if (!options.html.empty()) {
    if (const auto steps = steps_of_finished(options); steps > 0) {
      Narrator(session, options).finished_before(steps);
      return session.status();
    }
  }
  Narrator narrator(session, options);
  const auto end = train({.run_file = options.run_file,
                          .out = options.out,
                          .init = named_model(options.init),
                          .teacher = named_model(options.teacher),
                          .learn_vision = options.freeze != "vision",
                          .learn_text = options.freeze != "text"},
                         narrator.events());
  narrator.clear();
  draw_curves(options);
  if (end == RunEnd::stopped) {
    session.output.note("interrupted; the same command goes on from here");
    return ExitCode::interrupted;
  }
  if (narrator.steps() > 0)
    narrator.finish();
  else
    narrator.finished_before(steps_of_finished(options));
  return session.status();
}

}  // namespace

void add_train(Command& app, Session& session) {
  auto& command = *app.add_subcommand(
      "train", "Train a model on pictures with captions, or go on with a run that was stopped");
  const auto options = std::make_shared<TrainOptions>();
  command.add_option("RUN.json", options->run_file, "What to train on, and how: docs/training.md")
      ->required();
  command
      .add_option("--out", options->out,
                  "Folder that becomes the checkpoint; its folder run/ holds the log and what going on needs")
      ->type_name("DIR")
      ->required();
  command
      .add_option("--init", options->init,
                  "Begin with this model's weights and tokenizer, not with a new one's")
      ->type_name("REF");
  command.add_option("--teacher", options->teacher, "Distil from this model")->type_name("REF");
  command.add_option("--freeze", options->freeze, "Leave one tower as it is: vision or text")
      ->type_name("TOWER")
      ->check(one_of({"vision", "text"}));
  command
      .add_option("--html", options->html,
                  "Draw the run's curves: a page, or one picture where the name ends in .svg; a finished run "
                  "is only drawn")
      ->type_name("FILE");
  add_examples(command,
               "  beeld train run.json --out my-model --html curves.html\n"
               "  beeld train run.json --out my-model --teacher models/clip --json\n"
               "  beeld train run.json --out my-model --init models/clip --freeze vision\n"
               "Ctrl-C saves; the same command goes on from there. The folder is a checkpoint with the\n"
               "weights of the last evaluation: beeld search \"a red boat\" photos --model my-model");
  command.callback(
      [&session, options] { session.run = [&session, options] { return run_training(session, *options); }; });
}

}  // namespace beeld::cli
