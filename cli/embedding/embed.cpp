#include <beeld/error.h>

#include <algorithm>
#include <limits>

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
  DecodeOptions decoding;
};

/// Takes finished rows: as lines of JSON at once, or gathered for the .npy file.
class Rows {
 public:
  Rows(Output& output, const EmbedOptions& options, std::size_t count, std::size_t dimension)
      : output_(output), raw_(options.raw), gather_(!options.out.empty()) {
    if (!gather_) return;
    gathered_ = Matrix(count, dimension);
    std::fill(gathered_.values.begin(), gathered_.values.end(), std::numeric_limits<float>::quiet_NaN());
  }

  void add(Matrix rows, const std::vector<std::size_t>& places, const std::vector<std::string>& inputs) {
    if (!raw_) normalize_rows(rows);
    for (std::size_t i = 0; i < rows.rows; ++i) {
      if (gather_) {
        if (rows.columns != gathered_.columns)
          throw Error(ErrorCode::corrupt, "[embed] unexpected width of a row");
        std::copy(rows[i].begin(), rows[i].end(), gathered_[places[i]].begin());
        continue;
      }
      Json embedding = Json::array();
      for (const float value : rows[i]) embedding.push_back(json_number(value));
      output_.object({{"input", inputs[i]}, {"embedding", std::move(embedding)}});
    }
  }

  const Matrix& gathered() const { return gathered_; }

 private:
  Output& output_;
  bool raw_;
  bool gather_;
  Matrix gathered_;  ///< [N,D], NaN where an input failed.
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

void embed_pictures(Session& session, const EmbedOptions& options,
                    const std::vector<std::filesystem::path>& files, Rows& rows) {
  for_each_batch(session, files, options.decoding, [&](const PictureBatch& batch) {
    std::vector<std::string> inputs;
    for (const std::size_t input : batch.inputs) inputs.push_back(files[input].string());
    rows.add(session.model().encode_pixels(batch.pixels), batch.inputs, inputs);
  });
}

void embed_texts(Session& session, const std::vector<std::string>& texts, std::size_t first_row, Rows& rows) {
  Progress bar(session.output, "encoding");
  for (std::size_t first = 0; first < texts.size(); first += text_batch) {
    const auto count = std::min(text_batch, texts.size() - first);
    const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<std::string> batch(begin, begin + static_cast<std::ptrdiff_t>(count));
    std::vector<std::size_t> places(count);
    for (std::size_t i = 0; i < count; ++i) places[i] = first_row + first + i;
    rows.add(session.model().encode_texts(batch), places, batch);
    bar.show(first + count, texts.size());
  }
}

ExitCode embed(Session& session, const EmbedOptions& options) {
  const auto files = picture_inputs(options);
  const auto texts = text_inputs(options);
  const std::size_t count = files.size() + texts.size();
  if (count == 0)
    throw Error(ErrorCode::invalid_argument,
                "[embed] nothing to embed: give --image, --images, --text or --texts");
  const auto& info = session.model().info();
  if (!texts.empty() && !info.has_text)
    throw Error(ErrorCode::unsupported,
                "[embed] " + info.name + " (" + info.family + ") embeds pictures only, not texts");
  Rows rows(session.output, options, count, info.dimension);
  embed_pictures(session, options, files, rows);
  embed_texts(session, texts, files.size(), rows);
  if (session.output.failures() == count)
    throw Error(ErrorCode::invalid_argument, "[embed] there is no input that can be read");
  if (options.out.empty()) return session.status();
  write_npy(options.out, rows.gathered());
  if (session.output.json())
    session.output.object({{"file", options.out}, {"rows", count}, {"columns", info.dimension}});
  else
    session.output.note(printable(options.out) + ": " + grouped(count) + " x " + grouped(info.dimension));
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
  add_decode_options(command, options->decoding);
  add_examples(
      command,
      "  beeld embed --image cat.jpg dog.jpg --text \"a cat\" \"a dog\" --out rows.npy\n"
      "  beeld embed --texts captions.json\n"
      "Rows follow the arguments, pictures first. A picture that cannot be read is named on stderr;\n"
      "it has no line of JSON, and in the .npy file its row is NaN, so no other row moves.");
  command.callback(
      [&session, options] { session.run = [&session, options] { return embed(session, *options); }; });
}

}  // namespace beeld::cli
