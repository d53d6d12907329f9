#pragma once

#include <beeld/model.h>
#include <beeld/tokenizer.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include "core/format/weights.h"
#include "core/ops/linear.h"
#include "text/model/tower.h"
#include "vision/model/tower.h"
#include "vision/preprocess/preprocess.h"

namespace beeld {

/// Everything a checkpoint holds.
struct ModelParts {
  ModelInfo info;
  Preprocess preprocess;
  VisionTower<float> vision;  // empty for a model of texts alone
  Linear<float> classifier;   // [K,C] or [K,2C]; absent where the checkpoint has none
  std::optional<TextTower<float>> text;
  std::shared_ptr<Tokenizer> tokenizer;  // null without a text tower
  std::string identity;  // what else than configuration and weights makes the embeddings, for the fingerprint
};

/// A model in use, safe for concurrent use. A tower's weights are brought into their order when it is first
/// asked for: a search by words neither waits for the tower of pictures nor has it in memory.
struct Model::State {
  State(ModelParts parts, Checkpoint checkpoint, WeightType weights);

  const ModelInfo& info() const { return parts_.info; }
  const Preprocess& preprocess() const { return parts_.preprocess; }
  const Tokenizer* tokenizer() const { return parts_.tokenizer.get(); }  ///< null without a text tower
  bool has_classifier() const { return has_classifier_; }

  /// Throws Error(unsupported) for a model of texts alone.
  void require_images() const;

  /// Throws as require_images().
  const VisionTower<float>& vision() const;
  const Linear<float>& classifier() const;
  const TextTower<float>& text() const;

 private:
  template <class Pack>
  void make_ready(std::once_flag& ready, const Pack& pack_weights) const;

  mutable ModelParts parts_;  // what is not packed yet is changed by the one thread that packs it
  Checkpoint checkpoint_;
  WeightType weights_;
  bool has_classifier_;  // asked for while another thread may be packing the classifier
  mutable std::once_flag vision_ready_, text_ready_;
};

/// Reads a folder in the layout of Hugging Face, OpenCLIP or timm; see Model::load.
std::shared_ptr<const Model::State> load_checkpoint(const std::filesystem::path& folder,
                                                    const LoadOptions& options);

/// A model whose weights are its own and may be changed. Not packed.
struct TrainableModel {
  ModelParts state;
  std::vector<NamedTensor> named;  ///< every weight, as its checkpoint calls it
  Tensor<float> logit_scale;       ///< [1], the logarithm
  Tensor<float> logit_bias;        ///< [1], or empty
};

/// Reads a folder for training. Throws as Model::load, and Error(unsupported) for a family that the table of
/// families does not know how to train.
TrainableModel load_trainable(const std::filesystem::path& folder);

/// The weights of a new model that is shaped as a `config.json` says, of a family that can be trained. Throws
/// Error: not_found, corrupt or unsupported.
std::vector<NamedTensor> initialize_weights(const std::filesystem::path& config, std::uint64_t seed);

}  // namespace beeld
