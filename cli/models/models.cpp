#include <beeld/store.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/terminal/options.h"
#include "multimodal/model/known_models.h"

namespace beeld::cli {

namespace {

ExitCode list_models(Session& session) {
  const auto names = stored_models();
  for (const auto& name : names) {
    if (session.output.json())
      session.output.object({{"name", name}, {"path", json_path(resolve_model("hf:" + name))}});
    else
      session.output.text(printable(name) + "\n");
  }
  if (names.empty())
    session.output.note("no models in " + printable(store_folder().string()) + "; 'beeld pull' fetches one");
  return ExitCode::done;
}

void print_json(Output& output, const KnownModel& model) {
  output.object({{"name", model.repository},
                 {"family", model.family},
                 {"millions", model.millions},
                 {"files", model.files},
                 {"reference", model.reference},
                 {"note", model.note}});
}

std::string padded(const std::string& cell, std::size_t width) {
  return cell + std::string(cell.size() < width ? width - cell.size() : 0, ' ');
}

/// Columns as wide as their longest cell; a note stands below its line.
void print_text(Output& output, const std::vector<KnownModel>& models) {
  const auto widest = [&](std::string KnownModel::*cell) {
    std::size_t width = 0;
    for (const auto& model : models) width = std::max(width, (model.*cell).size());
    return width;
  };
  const auto name = widest(&KnownModel::repository), family = widest(&KnownModel::family),
             millions = widest(&KnownModel::millions), files = widest(&KnownModel::files);
  for (const auto& model : models) {
    output.text(padded(model.repository, name) + "  " + padded(model.family, family) + "  " +
                padded(model.millions + " M", millions + 2) + "  " + padded(model.files, files) + "  " +
                model.reference + "\n");
    if (!model.note.empty()) output.text("    " + model.note + "\n");
  }
}

ExitCode list_known_models(Session& session) {
  const auto models = known_models();
  if (session.output.json()) {
    for (const auto& model : models) print_json(session.output, model);
  } else {
    print_text(session.output, models);
  }
  return ExitCode::done;
}

}  // namespace

void add_models(Command& app, Session& session) {
  auto& command = *app.add_subcommand("models", "List the checkpoints in the local store");
  const auto known = std::make_shared<bool>(false);
  command.add_flag(
      "--known", *known,
      "List published checkpoints instead: family, weights, files, reference case, what to know");
  add_examples(
      command,
      "  beeld models\n"
      "  beeld models --known\n"
      "The store is $BEELD_STORE, else $XDG_DATA_HOME/beeld/models, else ~/.local/share/beeld/models.");
  command.callback([&session, known] {
    session.run = [&session, known] { return *known ? list_known_models(session) : list_models(session); };
  });
}

}  // namespace beeld::cli
