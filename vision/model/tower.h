#pragma once

#include <beeld/image.h>

#include <span>
#include <vector>

#include "core/transformer/parameters.h"
#include "vision/convolution/network.h"
#include "vision/model/patches.h"

namespace beeld {

/// How the hidden states of a picture become one row.
enum class VisionPool {
  first_token,     ///< the class token
  mean,            ///< the mean of the patches
  max,             ///< the largest value of each channel
  mean_and_max,    ///< half of both
  probe,           ///< a learned query attends to all patches (SigLIP; Lee et al. 2019)
  first_and_mean,  ///< the class token, then the mean of the patches: [2C]
  mean_query,      ///< the mean of the patches attends to itself and to them (Radford et al. 2021)
};

/// How a picture becomes patches.
enum class PatchEmbedding {
  linear,        ///< one map of the values of each patch
  convolutions,  ///< a network, each place of whose result is a patch
};

/// Whether class token and registers take part where patches are pooled.
enum class PrefixPooling { left_out, included };

enum class InputNorm { absent, present };

/// Where the last norm stands.
enum class OutputNorm {
  before_pooling,
  after_pooling,
  absent,
};

struct VisionConfig {
  int image_height = 224;  ///< 0 where every picture may have its own size
  int image_width = 224;
  int patch = 16;
  PatchEmbedding embedding = PatchEmbedding::linear;
  Bias patch_bias = Bias::absent;
  int class_tokens = 0;       ///< 0 or 1
  int registers = 0;          ///< further learned tokens behind the class token (Darcet et al. 2023)
  int positioned_tokens = 0;  ///< how many of these have a position of their own
  Grid positions;             ///< rows and columns of the learned positions
  GridFit fit = GridFit::none;

  /// Where positions are rotary: as of how many rows and columns they count a grid, whatever its size.
  int rotary_grid = 0;
  InputNorm input_norm = InputNorm::absent;
  BlockConfig block;
  int layers = 0;
  OutputNorm output_norm = OutputNorm::before_pooling;
  VisionPool pool = VisionPool::first_token;
  PrefixPooling prefix_pooling = PrefixPooling::left_out;

  int prefix() const { return class_tokens + registers; }
};

/// The attention pooling of SigLIP: probe + attention, then x + mlp(norm(x)).
template <class T>
struct ProbePool {
  BlockConfig config;
  Tensor<T> probe;  // [1,C]
  AttentionWeights<T> attention;
  Norm<T> norm;
  MlpWeights<T> mlp;
};

/// The attention pooling of CLIP's ResNets; its output is the tower's projection.
template <class T>
struct MeanQueryPool {
  AttentionConfig config;
  Tensor<T> positions;            // [1+grid, C], the mean's first
  AttentionWeights<T> attention;  // without output
};

template <class T>
struct VisionTower {
  VisionConfig config;
  Linear<T> patch_embedding;  // [C, 3*patch*patch], each patch ordered (channel, row, column); or empty, and
  ConvolutionNetwork<T> network = {};  // B x [3,H,W] -> [patches,C], or empty
  Tensor<T> prefix;                    // [class_tokens + registers, C], or empty
  Tensor<T> positions;                 // [positioned_tokens + grid, C], or empty
  Norm<T> input_norm;
  Transformer<T> encoder;
  Norm<T> output_norm;
  ProbePool<T> probe;
  MeanQueryPool<T> mean_query = {};
  Linear<T> projection;  // [D,C], or empty

  bool present() const { return patch_embedding.present() || !network.empty(); }

  /// D. What pooling gives besides (VisionPool::first_and_mean) is for classifiers alone.
  std::int64_t embedding_width() const {
    return projection.present() ? projection.weight.rows() : config.block.width;
  }
};

/// Pictures as a tower reads them: N tokens of B pictures, end to end. Of each the first `special` are the
/// class token and registers; behind them come its patches, row by row of its grid, or in the order of
/// `kept`.
struct ImageTokens {
  WantedRows wanted = WantedRows::pooled;
  std::span<const Pixels> images;  // looked at, and not held
  KeptPatches kept;                // neither
  std::vector<Grid> grids;         // [B]
  int special = 0;
  Sequences sequences;
};

/// All patches of pictures, or those that are `kept`. Throws Error(invalid_argument) for a size the tower
/// cannot read, and where `kept` is not of as many pictures.
ImageTokens read_images(const VisionConfig& config, std::span<const Pixels> images, KeptPatches kept,
                        WantedRows wanted);

// A tower's forward: embed, encode, pool, project.

/// Patches as tokens, the special ones in front, with their positions: B x [3,H,W] -> [N,C]. Throws
/// Error(invalid_argument) for a kept patch outside the grid, and for any where they come out of
/// convolutions.
template <class T>
Tensor<T> embed(const VisionTower<T>& tower, const ImageTokens& tokens, Pass<T>& pass);

/// All blocks, and the output norm where it stands before pooling: [N,C] -> [N,C], or [B,C] where only pooled
/// rows are wanted and pooling reads the class token.
template <class T>
Tensor<T> encode(const VisionTower<T>& tower, Tensor<T> x, const ImageTokens& tokens, Pass<T>& pass);

/// One row a picture, of what encode() gave for the same tokens, and the output norm where it stands behind
/// pooling: -> [B,C], or [B,2C] by VisionPool::first_and_mean.
template <class T>
Tensor<T> pool(const VisionTower<T>& tower, const Tensor<T>& x, const ImageTokens& tokens, Pass<T>& pass);

/// Into the space shared with texts: [B,C] -> [B,D]
template <class T>
Tensor<T> project(const VisionTower<T>& tower, const Tensor<T>& pooled, Pass<T>& pass);

/// The four in a row: embeddings of pictures, or of what is `kept` of them: B x [3,H,W] -> [B,D]. Throws as
/// read_images() and embed() do.
template <class T>
Tensor<T> encode(const VisionTower<T>& tower, std::span<const Pixels> images, Pass<T>& pass,
                 KeptPatches kept = {});

/// What encode() leaves of every token.
template <class T>
struct ImageStates {
  ImageTokens tokens;
  Tensor<T> rows;  // [N,C]
};

/// The last_hidden_state of Hugging Face's towers, and timm's forward_features: behind the output norm of
/// those that norm before pooling (ViT, DINOv2, SigLIP, OpenCLIP), and as the last block gives it in the
/// others (Hugging Face's CLIP, timm's with an fc_norm).
template <class T>
ImageStates<T> hidden_states(const VisionTower<T>& tower, std::span<const Pixels> images, Pass<T>& pass,
                             KeptPatches kept = {});

/// Orders the weights for fast products. The first and the last product, small and close to what is seen,
/// stay float32.
void pack(VisionTower<float>& tower, WeightType type = WeightType::f32);

template <class T, class Visit>
void visit_parameters(VisionTower<T>& tower, const Visit& visit) {
  visit_parameters(tower.patch_embedding, visit);
  if (!tower.prefix.empty()) visit(tower.prefix, Decay::no);
  visit_parameters(tower.network, visit);
  if (!tower.positions.empty()) visit(tower.positions, Decay::yes);
  visit_parameters(tower.input_norm, visit);
  visit_parameters(tower.encoder, visit);
  visit_parameters(tower.output_norm, visit);
  if (!tower.probe.probe.empty()) visit(tower.probe.probe, Decay::no);
  visit_parameters(tower.probe.attention, visit);
  visit_parameters(tower.probe.norm, visit);
  visit_parameters(tower.probe.mlp, visit);
  if (!tower.mean_query.positions.empty()) visit(tower.mean_query.positions, Decay::yes);
  visit_parameters(tower.mean_query.attention, visit);
  visit_parameters(tower.projection, visit);
}

}  // namespace beeld
