#include <beeld/error.h>
#include <beeld/tokenizer.h>

#include "cli/command.h"
#include "cli/terminal/options.h"
#include "multimodal/evaluation/verify.h"

namespace beeld::cli {

namespace {

struct InfoOptions {
  std::string model;
  bool verify = false;
  std::string photo;
};

const char* name_of(Scoring scoring) { return scoring == Scoring::softmax ? "softmax" : "sigmoid"; }

void print_json(Output& output, const ModelInfo& info, std::size_t context) {
  output.object({{"family", info.family},
                 {"name", info.name},
                 {"path", json_path(info.folder)},
                 {"dimension", info.dimension},
                 {"parameters", info.parameters},
                 {"image_size", info.image_size > 0 ? Json(info.image_size) : Json()},
                 {"context_length", context > 0 ? Json(context) : Json()},
                 {"has_images", info.has_images},
                 {"has_text", info.has_text},
                 {"scoring", name_of(info.scoring)},
                 {"logit_scale", json_number(info.logit_scale)},
                 {"logit_bias", json_number(info.logit_bias)},
                 {"classes", info.classes.size()},
                 {"warnings", info.warnings},
                 {"notes", info.notes},
                 {"fingerprint", info.fingerprint}});
}

void print_text(Output& output, const ModelInfo& info, std::size_t context) {
  const auto row = [&](const std::string& name, const std::string& value) {
    output.text(name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') + value + "\n");
  };
  row("family", info.family);
  row("name", printable(info.name));
  row("path", shown_path(info.folder));
  row("dimension", grouped(info.dimension));
  row("parameters", grouped(info.parameters));
  if (info.has_images)
    row("image size", info.image_size > 0 ? std::to_string(info.image_size) : "varies");
  else
    row("embeds", "texts alone");
  if (info.has_text) row("context length", context > 0 ? std::to_string(context) : "unlimited");
  if (info.has_text && info.has_images) {
    row("scoring", std::string(name_of(info.scoring)) + ", scale " + fixed(info.logit_scale, 4) + ", bias " +
                       fixed(info.logit_bias, 4));
  }
  if (!info.classes.empty()) row("classes", grouped(info.classes.size()));
  row("fingerprint", info.fingerprint);
  for (const auto& note : info.notes) row("note", note);
}

void print(Output& output, const Verification& verification) {
  if (output.json()) {
    Json values = Json::array();
    for (const auto& value : verification.values)
      values.push_back({{"what", value.what},
                        {"expected", json_number(value.expected)},
                        {"got", json_number(value.got)},
                        {"difference", json_number(value.difference())}});
    output.object({{"passed", verification.passed()},
                   {"tolerance", json_number(verification.tolerance)},
                   {"values", values}});
    return;
  }
  output.text("published outputs, equal within " + fixed(verification.tolerance, 6) + ":\n");
  for (const auto& value : verification.values)
    output.text("  " + fixed(value.expected, 4) + "  got " + fixed(value.got, 4) + "  " +
                printable(value.what) + "\n");
}

void verify(Session& session, const InfoOptions& options) {
  const auto verification = verify_model(session.model(), options.photo);
  print(session.output, verification);
  for (const auto& value : verification.values)
    if (!(value.difference() <= verification.tolerance))
      session.output.failed(value.what,
                            "differs from the published output by " + fixed(value.difference(), 6));
}

ExitCode show_info(Session& session, const InfoOptions& options) {
  if (!options.model.empty()) session.options.model = options.model;
  const auto& info = session.model().info();
  const std::size_t context = info.has_text ? session.model().tokenizer().context_length() : 0;
  if (session.output.json())
    print_json(session.output, info, context);
  else
    print_text(session.output, info, context);
  if (options.verify) verify(session, options);
  return session.status();
}

}  // namespace

void add_info(Command& app, Session& session) {
  auto& command = *app.add_subcommand("info", "Show what a checkpoint is");
  const auto options = std::make_shared<InfoOptions>();
  command.add_option("MODEL", options->model, "As --model")->type_name("");
  auto* photo = command
                    .add_option("--photo", options->photo,
                                "Picture 000000039769 of COCO val2017, which those outputs belong to")
                    ->type_name("FILE");
  command.add_flag("--verify", options->verify, "Compare with the published outputs of this checkpoint")
      ->needs(photo);
  add_examples(command,
               "  beeld info openai/clip-vit-base-patch32\n"
               "  beeld info openai/clip-vit-base-patch32 --verify --photo 000000039769.jpg");
  command.callback(
      [&session, options] { session.run = [&session, options] { return show_info(session, *options); }; });
}

}  // namespace beeld::cli
