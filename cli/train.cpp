#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "multimodal/training/run.h"

namespace beeld::cli {

namespace {

struct TrainOptions {
  std::string run_file;
  std::string out;
  std::string init;
  std::string teacher;
  std::string freeze;
};

/// One line of the log for people: "step 100  loss 3.2100  ...".
std::string text_of(const Json& line) {
  std::string text;
  for (const auto& [name, value] : line.items()) {
    text += text.empty() ? "" : "  ";
    text += name + " ";
    if (value.is_number_float())
      text += fixed(value.get<double>(), name == "learning_rate" ? 6 : name.ends_with("second") ? 0 : 3);
    else
      text += value.is_string() ? value.get<std::string>() : value.dump();
  }
  return text + "\n";
}

ExitCode run_training(Session& session, const TrainOptions& options) {
  watch_interrupts();
  Progress bar(session.output, "training");
  bool teaching = false;
  RunEvents events;
  events.stop = interrupted;
  events.teaching = [&](std::size_t pictures) {
    if (!teaching) bar.restart("asking the teacher");
    teaching = true;
    bar.show(pictures, 0);
  };
  events.stepped = [&](std::int64_t step, std::int64_t steps) {
    if (teaching) bar.restart("training");
    teaching = false;
    bar.show(static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(steps));
  };
  events.logged = [&](const Json& line) {
    bar.clear();
    session.output.json() ? session.output.object(line) : session.output.text(text_of(line));
    session.output.finish();
  };
  events.skipped = [&](const SkippedSample& sample) {
    bar.clear();
    session.output.failed(sample.shard.string() + ": " + sample.key, sample.reason);
  };
  RunOptions run{.run_file = options.run_file,
                 .out = options.out,
                 .init = options.init,
                 .teacher = options.teacher,
                 .learn_vision = options.freeze != "vision",
                 .learn_text = options.freeze != "text"};
  const auto end = train(run, events);
  bar.clear();
  if (end == RunEnd::finished) return session.status();
  session.output.note("interrupted; the same command goes on from here");
  return ExitCode::interrupted;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto& command = *app.add_subcommand(
      "train", "Train a model on pictures with captions, or go on with a run that was stopped");
  const auto options = std::make_shared<TrainOptions>();
  command.add_option("RUN.json", options->run_file, "What to train on, and how (docs/training.md)")
      ->required();
  command.add_option("--out", options->out, "Folder that becomes the checkpoint")
      ->type_name("DIR")
      ->required();
  command.add_option("--init", options->init, "Begin with the weights of this checkpoint folder")
      ->type_name("DIR");
  command.add_option("--teacher", options->teacher, "Distil from this checkpoint folder")->type_name("DIR");
  command.add_option("--freeze", options->freeze, "Leave one tower as it is: vision or text")
      ->check(CLI::IsMember({"vision", "text"}));
  add_examples(command,
               "  beeld train run.json --out my-model\n"
               "  beeld train run.json --out my-model --teacher ~/models/clip --json\n"
               "Ctrl-C saves; the same command goes on from there.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return run_training(session, *options); }; });
}

}  // namespace beeld::cli
