#pragma once

#include <beeld/image.h>
#include <beeld/matrix.h>
#include <beeld/weight_type.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace beeld {

class Tokenizer;

/// How similarities become scores.
enum class Scoring {
  softmax,  ///< CLIP: softmax over the labels of exp(logit_scale) * cosine.
  sigmoid,  ///< SigLIP: sigmoid of exp(logit_scale) * cosine + logit_bias, each label on its own.
};

/// What a checkpoint is, as read from its files.
struct ModelInfo {
  std::string family;  ///< As the README's table of families calls it: "CLIP", "OpenCLIP", "SigLIP",
                       ///< "Chinese-CLIP", "Multilingual-CLIP", "ViT", "DINOv2 with registers", "timm ViT".
  std::string name;    ///< The folder's or the file's name.
  std::filesystem::path folder;  ///< Where it was read from.
  std::string fingerprint;  ///< Of the configuration, the preprocessing, samples of every weight, and how the
                            ///< weights are held where that is not float32; 64 hex digits.
  std::size_t dimension = 0;   ///< D, the length of an embedding.
  std::size_t parameters = 0;  ///< Number of weights.
  int image_size = 0;          ///< Input edge in pixels; 0 where it varies (NaFlex), and without pictures.
  bool has_images = true;      ///< Pictures can be embedded.
  bool has_text = false;       ///< Texts can be embedded.
  Scoring scoring = Scoring::softmax;
  float logit_scale = 1;  ///< Factor on the cosine, exp already taken.
  float logit_bias = 0;

  /// Where the files are known to say something else than what was trained, in sentences; mostly none.
  std::vector<std::string> warnings;
  /// What whoever compares its numbers should know: where programs read the same files differently.
  std::vector<std::string> notes;

  std::vector<std::string> classes;  ///< Names of the classifier's own classes, or their numbers where the
                                     ///< checkpoint names none; empty without a classifier head.
};

struct LoadOptions {
  WeightType weights = WeightType::f32;  ///< How matrices are held; a checkpoint's own type does not matter.
};

/// The last hidden states of pictures or of texts: a row for every token, C values wide, which is the tower's
/// own width and not that of an embedding.
struct TokenFeatures {
  /// Which rows are those of one picture or text.
  struct Item {
    std::size_t begin = 0;  ///< Its first row.
    std::size_t count = 0;  ///< How many rows it has; those of the next begin behind them.

    /// How many of a picture's rows are no patches: its first ones, the class token and then registers. 0 for
    /// a text, whose `ids` tell.
    std::size_t special = 0;

    /// The grid of a picture's patches, 0 for a text. The patch in row r and column c is row
    /// begin + special + r * grid_columns + c, and count is special + grid_rows * grid_columns.
    std::size_t grid_rows = 0, grid_columns = 0;

    /// The token that each row of a text stands for, `[count]`, with its start and end tokens, and with
    /// padding where the model reads it (SigLIP); empty for a picture.
    std::vector<std::int32_t> ids;
  };

  Matrix rows;              ///< `[N,C]`, the items end to end.
  std::vector<Item> items;  ///< In the order that they were given in.
};

/// A checkpoint ready for use. Const and safe for concurrent use by many threads; a copy shares the weights.
class Model {
 public:
  /// Reads a checkpoint folder in the layout of Hugging Face, OpenCLIP or timm, or one of OpenAI's archives,
  /// which need nothing but a tokenizer's files beside them. In place of the folder its file of weights may
  /// be given. Pickled weights are read as tensors only, and nothing in them is run.
  ///
  /// Throws Error: not_found, corrupt, limit, or unsupported; an unknown setting that would change the
  /// result, and whatever a pickle holds beside tensors, is unsupported, and named.
  static Model load(const std::filesystem::path& folder, const LoadOptions& options = {});

  const ModelInfo& info() const;

  /// Resizes, crops and normalises a picture as this model was trained. Throws Error(unsupported) where
  /// info().has_images is false.
  Pixels preprocess(const Image& image) const;

  /// Embeddings of pictures, `[N,D]`, as the tower gives them (not unit length). Throws Error(unsupported)
  /// where info().has_images is false, and Error(invalid_argument) for a size that the tower cannot read;
  /// preprocess() gives the right one.
  Matrix encode_pixels(std::span<const Pixels> pixels) const;

  /// preprocess() and encode_pixels() in one call.
  Matrix encode_images(std::span<const Image> images) const;

  /// Embeddings of texts, `[N,D]`, as the tower gives them (not unit length).
  /// Throws Error(unsupported) where info().has_text is false.
  Matrix encode_texts(std::span<const std::string> texts) const;

  /// What a tower knows of every token before it is pooled, for heads, maps and searches of parts: the
  /// last_hidden_state of Hugging Face's models, and timm's forward_features. They are behind the tower's
  /// last norm, but for Hugging Face's CLIP and Chinese-CLIP, which norm a picture's pooled row only, timm's
  /// models with an fc_norm, and texts of BERT's kinds, whose last block ends with a norm. Throws as
  /// encode_pixels() does.
  TokenFeatures token_features(std::span<const Pixels> pixels) const;

  /// preprocess() and token_features() in one call.
  TokenFeatures token_features(std::span<const Image> images) const;

  /// The same of texts, cut to the context as encode_texts() cuts them. Throws Error(unsupported) where
  /// info().has_text is false.
  TokenFeatures token_features(std::span<const std::string> texts) const;

  /// Logits of the checkpoint's own classifier, `[N,classes]`. Throws Error(unsupported) without one.
  Matrix classify_pixels(std::span<const Pixels> pixels) const;

  /// Throws Error(unsupported) where info().has_text is false.
  const Tokenizer& tokenizer() const;

  struct State;

 private:
  explicit Model(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Threads used by all models of this process together; 0 means one for each core.
void set_threads(int threads);

}  // namespace beeld
