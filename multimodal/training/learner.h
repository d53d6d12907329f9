#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "multimodal/model/model_state.h"
#include "multimodal/training/losses.h"
#include "multimodal/training/optimizer.h"

namespace beeld {

/// How much each part of the loss counts; 0 leaves it out.
struct LossSettings {
  double contrastive = 1;         ///< softmax over the batch: CLIP
  double sigmoid = 0;             ///< pairwise: SigLIP
  double image_distillation = 0;  ///< 1 - cosine to the teacher's image embeddings
  double text_distillation = 0;   ///< 1 - cosine to the teacher's text embeddings
  double affinity = 0;            ///< the teacher's similarities within the batch
};

/// Whether activations are kept from the forward pass to the backward one.
enum class Activations {
  kept,
  recomputed,  ///< chunk by chunk (Gao et al. 2021): memory for a chunk, a second forward pass in time
};

struct LearnerSettings {
  LossSettings loss;
  OptimizerSettings optimizer;
  std::int64_t steps = 0;
  double largest_logit_scale = 100;
  bool learn_vision = true;
  bool learn_text = true;
  Activations activations = Activations::kept;
  int chunk = 32;  ///< pictures, or texts times two, in one pass
};

/// One batch of pairs as the towers read it.
struct PairBatch {
  std::vector<Pixels> images;                    // B
  std::vector<std::vector<std::int32_t>> kept;   // of each picture's patches; empty: all
  std::vector<std::vector<std::int32_t>> texts;  // B, token ids
  std::vector<std::int64_t> groups;              // B, or empty; see contrastive_loss
  TeacherPairs<float> teacher;                   // empty without one
};

/// What one step did.
struct StepReport {
  double loss = 0;
  double contrastive = 0, sigmoid = 0, image_distillation = 0, text_distillation = 0, affinity = 0;
  double gradient_norm = 0;
  double learning_rate = 0;
  double logit_scale = 0;  ///< exp already taken
};

/// Trains a dual encoder, one batch a step. The same batches give the same weights, bit for bit, with the
/// same number of threads.
class Learner {
 public:
  Learner(TrainableModel model, const LearnerSettings& settings);

  /// Throws Error: as encode(), and limit where the loss is no longer a number.
  StepReport step(const PairBatch& batch);

  std::int64_t steps_done() const { return step_; }
  const TrainableModel& model() const { return model_; }

  /// Writes all that a later Learner needs to go on; `metadata` is kept with it.
  void save(const std::filesystem::path& file, std::map<std::string, std::string> metadata) const;

  /// Takes up what save() wrote and returns its metadata. Throws Error(corrupt), and changes nothing, where
  /// it is damaged or belongs to another model or other frozen towers.
  std::map<std::string, std::string> restore(const std::filesystem::path& file);

  /// Writes the weights (their moving average, where one is kept) as a checkpoint.
  void export_weights(const std::filesystem::path& file, DType dtype);

 private:
  struct Encoded;
  Encoded encode_all(const PairBatch& batch) const;
  double add_losses(const PairBatch& batch, const PairedEmbeddings<float>& pairs,
                    LossGradient<float>& gradient, StepReport& report) const;

  /// From the gradient of the embeddings to those of the parameters, on the tapes of `encoded`.
  void backward(const PairBatch& batch, const LossGradient<float>& gradient, Encoded& encoded) const;

  /// The gradient of every parameter of the optimizer: the sum of what the tapes found.
  std::vector<Tensor<float>> sum_gradients(const Encoded& encoded, const LossGradient<float>& gradient) const;

  /// All that changes from step to step, and the frozen parameters: an exported model may have rounded them.
  std::vector<NamedTensor> saved_tensors() const;

  TrainableModel model_;
  LearnerSettings settings_;
  Optimizer optimizer_;
  std::vector<Tensor<float>> frozen_;  ///< parameters that do not learn
  std::int64_t step_ = 0;
};

}  // namespace beeld
