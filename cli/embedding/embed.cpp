#include <beeld/error.h>
#include <beeld/store.h>

#include <algorithm>
#include <limits>
#include <span>

#include "cli/command.h"
#include "cli/pictures/pictures.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "core/format/npy.h"

namespace beeld::cli {

namespace {

constexpr std::size_t text_batch = 64;

struct EmbedOptions {
  std::vector<std::string> pictures;
  std::string pictures_file;
  std::vector<std::string> texts;
  std::string texts_file;
  std::string out;
  bool raw = false;
  bool tokens = false;
  DecodeOptions decoding;
};

/// What is embedded, pictures first.
struct Inputs {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> texts;

  std::size_t count() const { return files.size() + texts.size(); }
};

/// A batch of inputs: their places among all, and what they are called.
struct Batch {
  std::vector<std::size_t> places;
  std::vector<std::string> names;
};

Json json_row(std::span<const float> row) {
  Json values = Json::array();
  for (const float value : row) values.push_back(json_number(value));
  return values;
}

/// One row for every input: as lines of JSON at once, or gathered for the .npy file.
class Embeddings {
 public:
  Embeddings(Session& session, const EmbedOptions& options, std::size_t count)
      : session_(session), raw_(options.raw), gather_(!options.out.empty()) {
    if (!gather_) return;
    gathered_ = Matrix(count, session.model().info().dimension);
    std::fill(gathered_.values.begin(), gathered_.values.end(), std::numeric_limits<float>::quiet_NaN());
  }

  void add(std::span<const Pixels> pixels, const Batch& batch) {
    add(session_.model().encode_pixels(pixels), batch);
  }
  void add(std::span<const std::string> texts, const Batch& batch) {
    add(session_.model().encode_texts(texts), batch);
  }

  const Matrix& gathered() const { return gathered_; }

 private:
  void add(Matrix rows, const Batch& batch) {
    if (!raw_) normalize_rows(rows);
    for (std::size_t i = 0; i < rows.rows; ++i) {
      if (gather_) {
        if (rows.columns != gathered_.columns)
          throw Error(ErrorCode::corrupt, "[embed] unexpected width of a row");
        std::copy(rows[i].begin(), rows[i].end(), gathered_[batch.places[i]].begin());
        continue;
      }
      session_.output.object({{"input", batch.names[i]}, {"embedding", json_row(rows[i])}});
    }
  }

  Session& session_;
  bool raw_;
  bool gather_;
  Matrix gathered_;  ///< [N,D], NaN where an input failed.
};

/// A row for every token of every input: as lines of JSON at once, or gathered for the .npy file, with a line
/// that says which rows are whose.
class TokenRows {
 public:
  TokenRows(Session& session, const EmbedOptions& options)
      : session_(session), gather_(!options.out.empty()) {}

  void add(std::span<const Pixels> pixels, const Batch& batch) {
    add(session_.model().token_features(pixels), batch);
  }
  void add(std::span<const std::string> texts, const Batch& batch) {
    add(session_.model().token_features(texts), batch);
  }

  const Matrix& gathered() const { return gathered_; }

 private:
  void add(const TokenFeatures& features, const Batch& batch) {
    const auto begin = gathered_.rows;
    if (gather_) append(features.rows);
    for (std::size_t i = 0; i < features.items.size(); ++i) {
      const auto& item = features.items[i];
      if (gather_ && !session_.output.json()) {
        session_.output.text(sentence(begin, item) + printable(batch.names[i]) + "\n");
        continue;
      }
      Json line = {{"input", batch.names[i]}};
      if (gather_) line.update({{"begin", begin + item.begin}, {"rows", item.count}});
      if (item.ids.empty())
        line.update({{"special", item.special}, {"grid", {item.grid_rows, item.grid_columns}}});
      else
        line["ids"] = item.ids;
      if (!gather_) {
        auto& rows = line["tokens"] = Json::array();
        for (std::size_t row = 0; row < item.count; ++row)
          rows.push_back(json_row(features.rows[item.begin + row]));
      }
      session_.output.object(line);
    }
  }

  void append(const Matrix& rows) {
    if (gathered_.rows > 0 && gathered_.columns != rows.columns) {
      throw Error(ErrorCode::invalid_argument, "[embed] the tokens of pictures have " +
                                                   grouped(gathered_.columns) + " values, those of texts " +
                                                   grouped(rows.columns) +
                                                   ": one .npy file cannot hold both");
    }
    gathered_.columns = rows.columns;
    gathered_.rows += rows.rows;
    gathered_.values.insert(gathered_.values.end(), rows.values.begin(), rows.values.end());
  }

  static std::string sentence(std::size_t begin, const TokenFeatures::Item& item) {
    const auto first = begin + item.begin;
    auto text = "rows " + std::to_string(first) + " to " + std::to_string(first + item.count - 1);
    if (item.ids.empty()) {
      text += " (" + std::to_string(item.special) + " special, grid " + std::to_string(item.grid_rows) +
              " x " + std::to_string(item.grid_columns) + ")";
    }
    return text + "  ";
  }

  Session& session_;
  bool gather_;
  Matrix gathered_;  ///< [N,C], those of inputs that failed left out.
};

std::vector<std::filesystem::path> picture_inputs(const EmbedOptions& options) {
  std::vector<std::filesystem::path> files(options.pictures.begin(), options.pictures.end());
  if (options.pictures_file.empty()) return files;
  // Names in a list are relative to it, as in a data set that is moved as a whole.
  const auto folder = std::filesystem::path(options.pictures_file).parent_path();
  for (const auto& name : read_string_list(options.pictures_file)) files.push_back(folder / name);
  return files;
}

std::vector<std::string> text_inputs(const EmbedOptions& options) {
  auto texts = options.texts;
  if (options.texts_file.empty()) return texts;
  const auto more = read_string_list(options.texts_file);
  texts.insert(texts.end(), more.begin(), more.end());
  return texts;
}

/// Hands all inputs to `rows`, a batch at a time.
template <class Rows>
void embed_all(Session& session, const EmbedOptions& options, const Inputs& inputs, Rows& rows) {
  for_each_batch(session, inputs.files, options.decoding, [&](const PictureBatch& pictures) {
    Batch batch{pictures.inputs, {}};
    for (const std::size_t input : pictures.inputs) batch.names.push_back(inputs.files[input].string());
    rows.add(pictures.pixels, batch);
  });
  Progress bar(session.output, "encoding");
  const std::span<const std::string> texts(inputs.texts);
  for (std::size_t first = 0; first < texts.size(); first += text_batch) {
    const auto some = texts.subspan(first, std::min(text_batch, texts.size() - first));
    Batch batch{{}, {some.begin(), some.end()}};
    for (std::size_t i = 0; i < some.size(); ++i) batch.places.push_back(inputs.files.size() + first + i);
    rows.add(some, batch);
    bar.show(first + some.size(), texts.size());
  }
  if (session.output.failures() == inputs.count())
    throw Error(ErrorCode::invalid_argument, "[embed] there is no input that can be read");
  if (options.out.empty()) return;
  const Matrix& all = rows.gathered();
  write_npy(options.out, all);
  if (session.output.json())
    session.output.object({{"file", options.out}, {"rows", all.rows}, {"columns", all.columns}});
  else
    session.output.note(shown_path(options.out) + ": " + grouped(all.rows) + " x " + grouped(all.columns));
}

ExitCode embed(Session& session, const EmbedOptions& options) {
  const Inputs inputs{picture_inputs(options), text_inputs(options)};
  if (inputs.count() == 0)
    throw Error(ErrorCode::invalid_argument,
                "[embed] nothing to embed: give --image, --images, --text or --texts");
  const auto& info = session.model().info();
  if (!inputs.texts.empty() && !info.has_text)
    throw Error(ErrorCode::unsupported, "[embed] " + model_reference(info.folder) + " (" + info.family +
                                            ") embeds pictures only, not texts");
  if (options.tokens) {
    TokenRows rows(session, options);
    embed_all(session, options, inputs, rows);
  } else {
    Embeddings rows(session, options, inputs.count());
    embed_all(session, options, inputs, rows);
  }
  return session.status();
}

}  // namespace

void add_embed(Command& app, Session& session) {
  auto& command = *app.add_subcommand("embed", "Write the embeddings of pictures and texts");
  const auto options = std::make_shared<EmbedOptions>();
  command.add_list("--image", options->pictures, "Picture files")->type_name("FILE...");
  command
      .add_option("--images", options->pictures_file, "A JSON list of picture files, relative to that file")
      ->type_name("FILE.json");
  command.add_list("--text", options->texts, "Texts")->type_name("TEXT...");
  command.add_option("--texts", options->texts_file, "A JSON list of texts")->type_name("FILE.json");
  command.add_option("--out", options->out, "Write a float32 .npy file [N,D] instead of JSON lines")
      ->type_name("FILE.npy");
  command.add_flag("--raw", options->raw, "As the towers give them, not scaled to unit length");
  command.add_flag("--tokens", options->tokens,
                   "A row for every token, as the tower gives it before pooling: [N,C] of all inputs");
  add_decode_options(command, options->decoding);
  add_examples(
      command,
      "  beeld embed --image cat.jpg dog.jpg --text \"a cat\" \"a dog\" --out rows.npy\n"
      "  beeld embed --texts captions.json\n"
      "  beeld embed --image cat.jpg --tokens --out tokens.npy --json\n"
      "Rows follow the arguments, pictures first. A picture that cannot be read is named on stderr;\n"
      "it has no line of JSON, and in the .npy file its row is NaN, so no other row moves.\n"
      "With --tokens an input has many rows, and with --out a line says which: \"begin\" and \"rows\". Of a "
      "picture\n"
      "the first \"special\" ones are class token and registers, then come its patches, row by row of its "
      "\"grid\";\n"
      "of a text each is one of its \"ids\". A picture that cannot be read has none.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return embed(session, *options); }; });
}

}  // namespace beeld::cli
