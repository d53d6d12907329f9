#include <beeld/error.h>
#include <beeld/store.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cli/command.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "multimodal/data/class_names.h"
#include "multimodal/probe/labelled_images.h"
#include "multimodal/probe/probe_file.h"

namespace beeld::cli {

namespace {

const std::vector<std::size_t> usual_shots = {1, 2, 4, 8, 16};

struct ProbeOptions {
  std::vector<std::string> train;
  std::vector<std::string> test;
  std::string classes;
  std::string out;
  std::string method = "ridge";
  FewShotOptions few;  ///< shots empty: the usual ones for which there are examples
};

/// Thrown out of the work when Ctrl-C was pressed.
struct Interrupted {};

std::vector<std::filesystem::path> paths(const std::vector<std::string>& sources) {
  return {sources.begin(), sources.end()};
}

std::vector<std::string> class_names(const ProbeOptions& options) {
  if (!options.classes.empty()) return read_class_names(options.classes);
  for (const auto& source : options.train) {
    std::error_code ignored;
    if (std::filesystem::exists(source, ignored) && !std::filesystem::is_directory(source, ignored))
      throw Error(ErrorCode::invalid_argument,
                  "[probe] " + source + " is no folder of class folders: a shard needs --classes FILE.tsv");
  }
  auto names = class_folders(paths(options.train));
  if (names.size() < 2)
    throw Error(
        ErrorCode::invalid_argument,
        "[probe] expected a folder for each of two or more classes, got " + std::to_string(names.size()));
  return names;
}

LabelledEmbeddings embed(Session& session, const std::vector<std::string>& sources,
                         const std::vector<std::string>& classes, const std::string& what) {
  const InterruptWatch watch(AfterInterrupt::end_soon, "interrupted; nothing was saved");
  Progress bar(session.output, what);
  auto pictures = embed_labelled(session.model(), paths(sources), classes, [&bar](std::size_t done) {
    if (interrupted()) throw Interrupted();
    bar.show(done, 0);
  });
  bar.clear();
  for (const auto& picture : pictures.skipped) session.output.failed(picture.name, picture.reason);
  if (pictures.examples.labels.empty())
    throw Error(ErrorCode::invalid_argument, "[probe] there is no picture that can be read");
  return std::move(pictures.examples);
}

std::string table_row(const std::string& shots, double mean, const std::string& deviation) {
  const auto right = [](const std::string& text, std::size_t width) {
    return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
  };
  return right(shots, 16) + right(fixed(mean, 2) + " %", 12) + right(deviation, 12) + "\n";
}

void print_few_shot(Output& output, const std::vector<FewShotRow>& rows, std::size_t draws) {
  if (!output.json()) output.text("examples a class    accuracy   deviation\n");
  for (const auto& row : rows) {
    if (output.json())
      output.object(
          {{"shots", row.shots}, {"accuracy", row.mean}, {"deviation", row.deviation}, {"draws", draws}});
    else
      output.text(table_row(std::to_string(row.shots), row.mean, fixed(row.deviation, 2)));
  }
}

std::vector<FewShotRow> measure(Session& session, const LabelledEmbeddings& train,
                                const LabelledEmbeddings& test, FewShotOptions options) {
  if (options.shots.empty()) {
    const auto fewest = smallest_class(train.labels, options.classes);
    std::copy_if(usual_shots.begin(), usual_shots.end(), std::back_inserter(options.shots),
                 [&](std::size_t shots) { return shots <= fewest; });
  }
  const InterruptWatch watch(AfterInterrupt::end_soon, "interrupted; nothing was saved");
  Progress bar(session.output, "fitting");
  options.progress = [&bar](std::size_t done, std::size_t total) {
    if (interrupted()) throw Interrupted();
    bar.show(done, total);
  };
  return few_shot(train, test, options);
}

/// The classifier that all examples give.
struct WholeFit {
  LinearClassifier classifier;
  std::size_t examples = 0;
  std::optional<LabelledEmbeddings> test;
};

void print_whole(Output& output, const ProbeOptions& options, const WholeFit& fit) {
  const auto& [classifier, examples, test] = fit;
  const double right = test ? accuracy(classifier, *test) : 0;
  if (output.json()) {
    Json line = {{"method", options.method},
                 {"classes", classifier.bias.size()},
                 {"examples", examples},
                 {"penalty", classifier.penalty}};
    if (test) line["test"] = test->labels.size();
    if (test) line["accuracy"] = right;
    if (!options.out.empty()) line["out"] = json_path(options.out);
    output.object(line);
    return;
  }
  if (test) output.text(table_row("all", right, ""));
  output.text(grouped(examples) + " examples of " + grouped(classifier.bias.size()) + " classes" +
              (test ? ", " + grouped(test->labels.size()) + " test pictures" : "") + ", " + options.method +
              (options.out.empty() ? "" : ": " + shown_path(options.out)) + "\n");
}

ExitCode probe(Session& session, ProbeOptions options) {
  if (options.out.empty() && options.test.empty())
    throw Error(ErrorCode::invalid_argument, "[probe] nothing to do: give --out FILE, --test DATA, or both");
  const auto classes = class_names(options);
  options.few.classes = classes.size();
  options.few.method = options.method == "ridge" ? ProbeMethod::ridge : ProbeMethod::logistic;
  const auto train = embed(session, options.train, classes, "examples");
  std::optional<LabelledEmbeddings> test;
  if (!options.test.empty()) {
    test = embed(session, options.test, classes, "test pictures");
    print_few_shot(session.output, measure(session, train, *test, options.few), options.few.draws);
  }
  const auto classifier = fit_linear(train, classes.size(), options.few.method);
  const auto& model = session.model().info();
  if (!options.out.empty())
    save_probe(options.out, {classifier, classes, model_reference(model.folder), model.fingerprint});
  print_whole(session.output, options, {classifier, train.labels.size(), std::move(test)});
  return session.status();
}

}  // namespace

void add_probe(Command& app, Session& session) {
  auto& command =
      *app.add_subcommand("probe", "Fit a classifier to a model's embeddings of labelled pictures");
  const auto options = std::make_shared<ProbeOptions>();
  command
      .add_list(
          "DATA", options->train,
          "Folders with a folder of pictures for each class, or WebDataset shards of KEY.jpg and KEY.cls")
      ->required();
  command.add_list("--test", options->test, "The same, to measure accuracy on")->type_name("DATA");
  command
      .add_option("--classes", options->classes,
                  "Class file, needed for shards: a line is index<TAB>id<TAB>name, synonym, ...")
      ->type_name("FILE.tsv");
  command.add_option("--out", options->out, "Where to save the classifier that all examples give")
      ->type_name("FILE.safetensors");
  command.add_option("--method", options->method, "ridge (closed form; the default) or logistic")
      ->type_name("NAME")
      ->check(one_of({"ridge", "logistic"}));
  command
      .add_option("--shots", options->few.shots,
                  "Numbers of examples a class to measure with (default: 1,2,4,8,16, as far as there are "
                  "examples)")
      ->type_name("N,N")
      ->delimiter(',')
      ->check(between(1, max_count));
  command
      .add_option("--draws", options->few.draws, "Random choices of examples for each number (default: 5)")
      ->type_name("N")
      ->check(between(1, max_count));
  command.add_option("--seed", options->few.seed, "Of those choices (default: 1)")->type_name("N");
  add_examples(command,
               "  beeld probe flowers/ --out flowers.safetensors\n"
               "  beeld probe train-*.tar --test val-*.tar --classes classes.tsv --shots 1,16 --json\n"
               "  beeld classify photo.jpg --probe flowers.safetensors\n"
               "The classifier belongs to the model it was fitted with; another model refuses it.");
  command.callback([&session, options] {
    session.run = [&session, options] {
      try {
        return probe(session, *options);
      } catch (const Interrupted&) {
        session.output.note("interrupted; nothing was saved");
        return ExitCode::interrupted;
      }
    };
  });
}

}  // namespace beeld::cli
