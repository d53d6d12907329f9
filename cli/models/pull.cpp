#include <beeld/store.h>

#include "cli/command.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "multimodal/hub/store_names.h"
#include "multimodal/model/known_models.h"

namespace beeld::cli {

namespace {

ExitCode pull_model(Session& session, const std::string& reference) {
  Progress bar(session.output, "", Progress::Unit::bytes);
  std::string file;
  const auto folder = pull(reference, [&](const PullProgress& progress) {
    if (progress.file != file) bar.restart(printable(progress.file));
    file = progress.file;
    bar.show(progress.received, progress.total);
  });
  bar.clear();
  if (session.output.json())
    session.output.object({{"model", reference}, {"path", json_path(folder)}});
  else
    session.output.text(shown_path(folder) + "\n");
  if (const auto name = parse_hub_name(reference)) {
    const auto note = known_note(name->repository());
    if (!note.empty()) session.output.note(name->repository() + ": " + note);
  }
  return ExitCode::done;
}

}  // namespace

void add_pull(Command& app, Session& session) {
  auto& command =
      *app.add_subcommand("pull", "Fetch a checkpoint from the Hugging Face hub into the local store");
  const auto reference = std::make_shared<std::string>();
  command.add_option("MODEL", *reference, "hf:owner/name[@revision][/subfolder]")->type_name("")->required();
  add_examples(command,
               "  beeld pull hf:openai/clip-vit-base-patch32\n"
               "  beeld search \"a red bicycle\" ~/Pictures --model openai/clip-vit-base-patch32\n"
               "  beeld pull hf:openai/clip-vit-base-patch32@refs/pr/15\n"
               "  beeld pull hf:sentence-transformers/clip-ViT-B-32/0_CLIPModel\n"
               "A revision is a branch, a tag, a commit or a reference; %2F stands for a slash in its name.\n"
               "The configuration is checked before weights are fetched, safetensors are taken rather than\n"
               "pickles. An interrupted transfer is resumed by the next pull. $HF_ENDPOINT names another\n"
               "server, $HF_TOKEN a token (else the hub's saved one is used), $BEELD_STORE another folder\n"
               "for the store.");
  command.callback([&session, reference] {
    session.run = [&session, reference] { return pull_model(session, *reference); };
  });
}

}  // namespace beeld::cli
