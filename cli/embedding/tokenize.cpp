#include <beeld/error.h>
#include <beeld/tokenizer.h>

#include "cli/command.h"
#include "cli/terminal/options.h"

namespace beeld::cli {

namespace {

struct TokenizeOptions {
  std::vector<std::string> texts;
  std::string texts_file;
  bool pad = false;
};

void print(Output& output, const std::string& text, const std::vector<std::int32_t>& ids) {
  if (output.json()) {
    output.object({{"text", json_text(text)}, {"ids", ids}});
    return;
  }
  std::string line;
  for (const auto id : ids) line += (line.empty() ? "" : " ") + std::to_string(id);
  output.text(line + "\n");
}

/// The tokenizer of a checkpoint, which knows the text tower's context length; where the folder holds no
/// checkpoint that this version can load, the tokenizer by itself.
std::shared_ptr<const Tokenizer> tokenizer_in(Session& session) {
  try {
    const Model& model = session.model();
    if (model.info().has_text) return {std::shared_ptr<const Tokenizer>(), &model.tokenizer()};
  } catch (const Error&) {
    // What is wrong with the weights does not concern tokens.
  }
  return load_tokenizer(session.model_folder());
}

ExitCode tokenize(Session& session, const TokenizeOptions& options) {
  auto texts = options.texts;
  if (!options.texts_file.empty()) {
    const auto more = read_string_list(options.texts_file);
    texts.insert(texts.end(), more.begin(), more.end());
  } else if (texts.empty()) {
    throw Error(ErrorCode::invalid_argument, "[tokenize] nothing to do: give texts or --texts FILE.json");
  }
  const auto tokenizer = tokenizer_in(session);
  for (const auto& text : texts) {
    auto ids = tokenizer->encode(text);
    if (options.pad && ids.size() < tokenizer->context_length())
      ids.resize(tokenizer->context_length(), tokenizer->pad_id());
    print(session.output, text, ids);
  }
  return session.status();
}

}  // namespace

void add_tokenize(Command& app, Session& session) {
  auto& command =
      *app.add_subcommand("tokenize", "Show the token ids of texts, start and end tokens included");
  const auto options = std::make_shared<TokenizeOptions>();
  command.add_list("TEXT", options->texts, "Texts");
  command.add_option("--texts", options->texts_file, "A JSON list of texts")->type_name("FILE.json");
  command.add_flag("--pad", options->pad, "Fill up to the context length with the model's padding id");
  add_examples(command,
               "  beeld tokenize \"a photo of a cat\" --model openai/clip-vit-base-patch32\n"
               "  beeld tokenize --texts captions.json --json\n"
               "Texts are cut to the context length, the end token kept. A folder with only the tokenizer's\n"
               "files is enough for --model.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return tokenize(session, *options); }; });
}

}  // namespace beeld::cli
