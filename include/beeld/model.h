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
                       ///< "Chinese-CLIP", "ViT", "DINOv2 with registers", "timm ViT".
  std::string name;    ///< The folder's or the file's name.
  std::filesystem::path folder;  ///< Where it was read from.
  std::string fingerprint;  ///< Of the configuration, the preprocessing, samples of every weight, and how the
                            ///< weights are held where that is not float32; 64 hex digits.
  std::size_t dimension = 0;   ///< D, the length of an embedding.
  std::size_t parameters = 0;  ///< Number of weights.
  int image_size = 0;          ///< Input edge in pixels; 0 where it varies (NaFlex).
  bool has_text = false;       ///< Texts can be embedded.
  Scoring scoring = Scoring::softmax;
  float logit_scale = 1;  ///< Factor on the cosine, exp already taken.
  float logit_bias = 0;
  std::vector<std::string> classes;  ///< Names of the classifier's own classes, or their numbers where the
                                     ///< checkpoint names none; empty without a classifier head.
};

struct LoadOptions {
  WeightType weights = WeightType::f32;  ///< How matrices are held; a checkpoint's own type does not matter.
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

  /// Resizes, crops and normalises a picture as this model was trained.
  Pixels preprocess(const Image& image) const;

  /// Embeddings of pictures, `[N,D]`, as the tower gives them (not unit length). Throws
  /// Error(invalid_argument) for a size that the tower cannot read; preprocess() gives the right one.
  Matrix encode_pixels(std::span<const Pixels> pixels) const;

  /// preprocess() and encode_pixels() in one call.
  Matrix encode_images(std::span<const Image> images) const;

  /// Embeddings of texts, `[N,D]`, as the tower gives them (not unit length).
  /// Throws Error(unsupported) where info().has_text is false.
  Matrix encode_texts(std::span<const std::string> texts) const;

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
