#include <beeld/error.h>

#include "cli/command.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "multimodal/data/class_names.h"
#include "multimodal/evaluation/evaluate.h"

namespace beeld::cli {

namespace {

struct EvalOptions {
  std::vector<std::string> shards;
  std::string classes;
  PromptOptions prompts;
};

/// Thrown out of an evaluation when Ctrl-C was pressed.
struct Interrupted {};

EvaluationOptions with_progress(Progress& bar) {
  EvaluationOptions options;
  options.progress = [&bar](std::size_t images) {
    if (interrupted()) throw Interrupted();
    bar.show(images, 0);
  };
  return options;
}

void report(Session& session, const std::vector<SkippedSample>& skipped) {
  for (const auto& sample : skipped)
    session.output.failed(sample.shard.string() + ": " + sample.key, sample.reason);
}

Json json_recall(const Recall& recall) {
  return {{"r@1", recall.at1}, {"r@5", recall.at5}, {"r@10", recall.at10}};
}

std::string recall_text(const Recall& recall) {
  return "R@1 " + fixed(recall.at1, 2) + "  R@5 " + fixed(recall.at5, 2) + "  R@10 " + fixed(recall.at10, 2);
}

ExitCode eval_zero_shot(Session& session, const EvalOptions& options) {
  const InterruptWatch watch(AfterInterrupt::end_soon, "interrupted; there is no result");
  const ZeroShot classifier(session.model(), read_class_names(options.classes),
                            prompt_templates(options.prompts));
  Progress bar(session.output, "evaluating");
  const auto result = evaluate_zero_shot(session.model(), classifier,
                                         {options.shards.begin(), options.shards.end()}, with_progress(bar));
  bar.clear();
  report(session, result.skipped);
  if (session.output.json())
    session.output.object({{"task", "zero-shot"},
                           {"images", result.images},
                           {"classes", result.classes},
                           {"top1", result.top1},
                           {"top5", result.top5}});
  else
    session.output.text(grouped(result.images) + " pictures, " + grouped(result.classes) +
                        " classes: top-1 " + fixed(result.top1, 2) + " %, top-5 " + fixed(result.top5, 2) +
                        " %\n");
  return session.status();
}

ExitCode eval_retrieval(Session& session, const EvalOptions& options) {
  const InterruptWatch watch(AfterInterrupt::end_soon, "interrupted; there is no result");
  Progress bar(session.output, "evaluating");
  const auto result =
      evaluate_retrieval(session.model(), {options.shards.begin(), options.shards.end()}, with_progress(bar));
  bar.clear();
  report(session, result.skipped);
  if (session.output.json())
    session.output.object({{"task", "retrieval"},
                           {"images", result.images},
                           {"texts", result.texts},
                           {"t2i", json_recall(result.text_to_image)},
                           {"i2t", json_recall(result.image_to_text)}});
  else
    session.output.text(grouped(result.images) + " pictures, " + grouped(result.texts) +
                        " texts (percent)\n" + "text to image  " + recall_text(result.text_to_image) + "\n" +
                        "image to text  " + recall_text(result.image_to_text) + "\n");
  return session.status();
}

using Evaluation = ExitCode (*)(Session&, const EvalOptions&);

std::function<ExitCode()> interruptible(Session& session, const EvalOptions& options, Evaluation evaluation) {
  return [&session, options, evaluation] {
    try {
      return evaluation(session, options);
    } catch (const Interrupted&) {
      session.output.note("interrupted; there is no result");
      return ExitCode::interrupted;
    }
  };
}

void add_zero_shot(Command& eval, Session& session) {
  auto& command =
      *eval.add_subcommand("zero-shot", "Top-1 and top-5 accuracy of classification by class names");
  const auto options = std::make_shared<EvalOptions>();
  command.add_list("SHARD", options->shards, "WebDataset shards (.tar, .tar.gz) of KEY.jpg and KEY.cls")
      ->required();
  command
      .add_option("--classes", options->classes, "Class file: a line is index<TAB>id<TAB>name, synonym, ...")
      ->type_name("FILE.tsv")
      ->required();
  add_prompt_options(command, options->prompts);
  add_examples(command,
               "  beeld eval zero-shot val-*.tar.gz --classes classes.tsv --template \"a photo of a {}\"\n"
               "Each class is called by its first name. Pictures are decoded without EXIF orientation.");
  command.callback([&session, options] { session.run = interruptible(session, *options, eval_zero_shot); });
}

void add_retrieval(Command& eval, Session& session) {
  auto& command =
      *eval.add_subcommand("retrieval", "Recall at 1, 5 and 10 of text-to-image and image-to-text search");
  const auto options = std::make_shared<EvalOptions>();
  command.add_list("SHARD", options->shards, "WebDataset shards (.tar, .tar.gz) of KEY.jpg and KEY.txt")
      ->required();
  add_examples(command,
               "  beeld eval retrieval dev-*.tar --json\n"
               "Every line of a KEY.txt is a query of its own.");
  command.callback([&session, options] { session.run = interruptible(session, *options, eval_retrieval); });
}

}  // namespace

void add_eval(Command& app, Session& session) {
  auto& command = *app.add_subcommand("eval", "Measure a checkpoint on labelled or captioned pictures");
  command.require_subcommand(1);
  add_zero_shot(command, session);
  add_retrieval(command, session);
  add_examples(command, "  beeld eval zero-shot --help\n  beeld eval retrieval --help");
}

}  // namespace beeld::cli
