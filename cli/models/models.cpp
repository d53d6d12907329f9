#include <beeld/store.h>

#include "cli/command.h"
#include "cli/terminal/options.h"

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

}  // namespace

void add_models(Command& app, Session& session) {
  auto& command = *app.add_subcommand("models", "List the checkpoints in the local store");
  add_examples(
      command,
      "  beeld models\n"
      "The store is $BEELD_STORE, else $XDG_DATA_HOME/beeld/models, else ~/.local/share/beeld/models.");
  command.callback([&session] { session.run = [&session] { return list_models(session); }; });
}

}  // namespace beeld::cli
