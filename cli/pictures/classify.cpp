#include <beeld/error.h>
#include <beeld/store.h>

#include <sstream>

#include "cli/command.h"
#include "cli/pictures/pictures.h"
#include "cli/pictures/queries.h"
#include "cli/terminal/options.h"
#include "multimodal/probe/probe_file.h"
#include "multimodal/search/ranking.h"

namespace beeld::cli {

namespace {

constexpr std::size_t own_classes_shown = 5;

struct ClassifyOptions {
  std::vector<std::string> pictures;
  std::vector<std::string> labels;  ///< Each may hold several, separated by commas.
  std::string labels_file;
  std::string probe;
  PromptOptions prompts;
  std::size_t top = 0;  ///< 0: all labels given, or the best few of a classifier's own.
  DecodeOptions decoding;
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> labels_of(const ClassifyOptions& options) {
  std::vector<std::string> labels;
  for (const auto& list : options.labels) {
    std::istringstream stream(list);
    for (std::string label; std::getline(stream, label, ',');)
      if (!trimmed(label).empty()) labels.push_back(trimmed(label));
  }
  if (!options.labels_file.empty()) {
    const auto lines = read_lines(options.labels_file);
    labels.insert(labels.end(), lines.begin(), lines.end());
  }
  return labels;
}

void print(Output& output, const std::filesystem::path& file, const std::vector<LabelScore>& ranking) {
  if (output.json()) {
    Json labels = Json::array();
    for (const auto& entry : ranking)
      labels.push_back({{"label", json_text(entry.label)},
                        {"score", json_number(entry.score)},
                        {"logit", json_number(entry.logit)}});
    output.object({{"path", json_path(file)}, {"labels", labels}});
    return;
  }
  output.text(shown_path(file) + "\n");
  for (const auto& entry : ranking) {
    std::string percent = fixed(100 * entry.score, 1);
    percent.insert(0, percent.size() < 7 ? 7 - percent.size() : 0, ' ');
    output.text(percent + " %  " + printable(entry.label) + "\n");
  }
}

/// The labels of one row of logits, best first.
using Ranking = std::function<std::vector<LabelScore>(std::span<const float>)>;

void classify_all(Session& session, const ClassifyOptions& options,
                  const std::function<Matrix(const PictureBatch&)>& logits_of, const Ranking& rank) {
  const auto files = picture_files(session, options.pictures);
  std::size_t classified = 0;
  for_each_batch(session, files, options.decoding, [&](const PictureBatch& batch) {
    const Matrix logits = logits_of(batch);
    classified += logits.rows;
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
      auto ranking = rank(logits[i]);
      if (options.top > 0 && ranking.size() > options.top) ranking.resize(options.top);
      print(session.output, files[batch.inputs[i]], ranking);
    }
  });
  if (classified == 0)
    throw Error(ErrorCode::invalid_argument, "[classify] there is no picture that can be read");
}

void classify_by_labels(Session& session, const ClassifyOptions& options, std::vector<std::string> labels) {
  const Model& model = session.model();
  note_unknown_labels(session, labels);
  const ZeroShot zero_shot(model, std::move(labels), prompt_templates(options.prompts));
  const auto logits_of = [&](const PictureBatch& batch) {
    Matrix embeddings = model.encode_pixels(batch.pixels);
    normalize_rows(embeddings);
    return zero_shot.logits(embeddings);
  };
  classify_all(session, options, logits_of,
               [&](std::span<const float> logits) { return zero_shot.rank(logits); });
}

Ranking by_softmax(const std::vector<std::string>& classes) {
  return [&classes](std::span<const float> logits) { return rank_labels(classes, logits, Scoring::softmax); };
}

void classify_by_own_classes(Session& session, ClassifyOptions options) {
  const Model& model = session.model();
  const auto& classes = model.info().classes;
  if (classes.empty())
    throw Error(ErrorCode::invalid_argument,
                "[classify] " + model_reference(model.info().folder) +
                    " has no classes of its own: give --labels or --labels-file");
  if (options.top == 0) options.top = own_classes_shown;
  classify_all(
      session, options, [&](const PictureBatch& batch) { return model.classify_pixels(batch.pixels); },
      by_softmax(classes));
}

void classify_by_probe(Session& session, ClassifyOptions options) {
  const Model& model = session.model();
  const auto probe = load_probe(options.probe, model.info());
  if (options.top == 0) options.top = own_classes_shown;
  const auto logits_of = [&](const PictureBatch& batch) {
    Matrix embeddings = model.encode_pixels(batch.pixels);
    normalize_rows(embeddings);
    return probe.classifier.logits(embeddings);
  };
  classify_all(session, options, logits_of, by_softmax(probe.classes));
}

ExitCode classify(Session& session, const ClassifyOptions& options) {
  if (!options.probe.empty()) {
    classify_by_probe(session, options);
    return session.status();
  }
  const bool labels_given = !options.labels.empty() || !options.labels_file.empty();
  auto labels = labels_of(options);
  if (labels_given && labels.empty())
    throw Error(ErrorCode::invalid_argument, "[classify] the list of labels is empty");
  if (labels_given)
    classify_by_labels(session, options, std::move(labels));
  else
    classify_by_own_classes(session, options);
  return session.status();
}

}  // namespace

void add_classify(Command& app, Session& session) {
  auto& command = *app.add_subcommand("classify", "Say which label fits each picture");
  const auto options = std::make_shared<ClassifyOptions>();
  command.add_list("IMAGE", options->pictures, "Picture files, or folders of them")->required();
  auto* labels = command.add_list("--labels", options->labels, "Labels, separated by commas");
  labels->type_name("A,B,C")->expected(1);
  auto* labels_file =
      command.add_option("--labels-file", options->labels_file, "A text file with one label a line");
  labels_file->type_name("FILE");
  command
      .add_option("--probe", options->probe,
                  "A classifier fitted by 'beeld probe' to this model's embeddings")
      ->type_name("FILE.safetensors")
      ->excludes(labels)
      ->excludes(labels_file);
  add_prompt_options(command, options->prompts);
  command
      .add_option("--top", options->top,
                  "Show only the best N (default: all labels given; 5 of a classifier's own or a probe's)")
      ->type_name("N")
      ->check(between(1, max_count));
  add_decode_options(command, options->decoding);
  add_examples(
      command,
      "  beeld classify photo.jpg --labels cat,dog,bird --template \"a photo of a {}\"\n"
      "  beeld classify *.jpg --labels-file labels.txt --templates templates.txt --top 3 --json\n"
      "  beeld classify photo.jpg --model vit-tiny-p16-224\n"
      "  beeld classify photo.jpg --probe flowers.safetensors\n"
      "Without labels, a classifier checkpoint (ViT) names its own classes, or gives their numbers.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return classify(session, *options); }; });
}

}  // namespace beeld::cli
