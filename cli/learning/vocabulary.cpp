#include <beeld/error.h>
#include <beeld/tokenizer.h>

#include "cli/command.h"
#include "cli/terminal/options.h"
#include "multimodal/data/shards.h"
#include "text/tokenizer/train_vocabulary.h"

namespace beeld::cli {

namespace {

struct VocabularyCommand {
  std::vector<std::string> files;
  std::string out;
  VocabularyOptions training;
};

bool is_shard(const std::string& file) {
  return file.ends_with(".tar") || file.ends_with(".tar.gz") || file.ends_with(".tgz");
}

/// The lines of text files and the captions of shards, in order.
std::vector<std::string> captions_in(Session& session, const std::vector<std::string>& files) {
  std::vector<std::string> captions;
  const auto append = [&](std::vector<std::string> more) {
    captions.insert(captions.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  };
  for (const auto& file : files) {
    if (!is_shard(file)) {
      append(read_lines(file));
      continue;
    }
    ShardReader reader({file});
    while (auto sample = reader.next()) {
      if (!sample->problem.empty()) session.output.failed(file + ": " + sample->key, sample->problem);
      append(std::move(sample->captions));
    }
  }
  return captions;
}

double mean_tokens(const Tokenizer& tokenizer, const std::vector<std::string>& captions) {
  std::size_t tokens = 0;
  for (const auto& caption : captions) tokens += tokenizer.encode_full(caption).size();
  return static_cast<double>(tokens) / static_cast<double>(captions.size());
}

ExitCode vocabulary(Session& session, const VocabularyCommand& options) {
  const auto captions = captions_in(session, options.files);
  write_vocabulary(options.out, captions, options.training);
  const auto tokenizer = load_tokenizer(options.out);
  const double mean = mean_tokens(*tokenizer, captions);
  if (session.output.json())
    session.output.object({{"out", json_path(options.out)},
                           {"pieces", tokenizer->vocabulary_size()},
                           {"captions", captions.size()},
                           {"tokens_per_caption", mean}});
  else
    session.output.text(shown_path(options.out) + ": " + grouped(tokenizer->vocabulary_size()) +
                        " pieces from " + grouped(captions.size()) + " captions, " + fixed(mean, 1) +
                        " tokens a caption with the end token\n");
  return session.status();
}

}  // namespace

void add_vocabulary(Command& app, Session& session) {
  auto& command = *app.add_subcommand("vocabulary", "Train a SentencePiece vocabulary on captions");
  const auto options = std::make_shared<VocabularyCommand>();
  command
      .add_list(
          "FILE", options->files,
          "Text files with a caption a line, and WebDataset shards (.tar, .tar.gz) of KEY.txt; what is named "
          "twice counts twice")
      ->required();
  command.add_option("--out", options->out, "The folder for spiece.model and tokenizer_config.json")
      ->type_name("FOLDER")
      ->required();
  command.add_option("--size", options->training.pieces, "Pieces, special ones included (default: 4096)")
      ->type_name("N")
      ->check(between(4, max_count));
  command
      .add_option("--context", options->training.context_length,
                  "Tokens that the text tower will take, the end token included (default: 64)")
      ->type_name("N")
      ->check(between(1, max_count));
  add_examples(
      command,
      "  beeld vocabulary train-*.tar --size 4096 --out vocabulary\n"
      "  beeld vocabulary train-*.tar names.txt names.txt --size 2000 --context 32 --out vocabulary\n"
      "The folder is read like any SigLIP tokenizer: lower case, no punctuation, </s> at the end.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return vocabulary(session, *options); }; });
}

}  // namespace beeld::cli
