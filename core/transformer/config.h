#pragma once

#include <optional>

#include "core/kernels/activation.h"
#include "core/ops/linear.h"
#include "core/ops/norm.h"
#include "core/ops/relative_bias.h"
#include "core/transformer/rotary.h"

namespace beeld {

// Closed choices in which Transformer families differ. A family is one value of these structs.

enum class NormPlace {
  pre,   ///< x + f(norm(x)) (Xiong et al. 2020)
  post,  ///< norm(x + f(x)), the original Transformer
  tail,  ///< x + norm(f(x)) (Liu et al. 2022)
};

/// Further norms inside a residual branch.
enum class InnerNorm { absent, present };

enum class Gating {
  none,   ///< down(f(up(x)))
  gated,  ///< down(f(gate(x)) * up(x)) (Shazeer 2020)
};

enum class AttentionMask {
  none,    ///< every query sees every key of its sequence
  causal,  ///< a query sees the keys up to its own position
};

/// How a block knows where its tokens stand. Learned and sinusoidal positions are added before the first
/// block.
enum class PositionScheme {
  added,          ///< nothing to do inside the block
  rotary,         ///< q and k are turned by their position (Su et al. 2021)
  relative_bias,  ///< a bias on the scores, learned for the whole stack (Raffel et al. 2020)
};

enum class ResidualScale {
  one,
  learned,  ///< LayerScale: a gain for every channel on each residual branch (Touvron et al. 2021)
};

/// Which rows a tower computes behind its last block.
enum class WantedRows {
  all,     ///< every token's
  pooled,  ///< those alone that pooling reads, which is one a sequence in many towers
};

/// One attention: of a block to its own rows or to others, or of a learned query.
struct AttentionConfig {
  int heads = 0;            ///< H
  int key_value_heads = 0;  ///< fewer than `heads` for grouped-query attention
  int head_width = 0;       ///< D
  double scale = 0;         ///< factor on q k^T: usually 1/sqrt(D)
  AttentionMask mask = AttentionMask::none;
  PositionScheme position = PositionScheme::added;
  RotaryConfig rotary;       ///< where positions are rotary
  RelativeBuckets relative;  ///< where they are a relative bias
  Bias query_key_value_bias = Bias::present;
  Bias key_bias = Bias::present;                 ///< of the keys, where queries and values have one
  InnerNorm query_key_norm = InnerNorm::absent;  ///< of every head's queries and keys (Dehghani et al. 2023)
  InnerNorm inner_norm = InnerNorm::absent;      ///< of all heads' results together (Wang et al. 2022)
  Bias output_bias = Bias::present;
};

/// One Transformer block.
struct BlockConfig {
  int width = 0;              ///< C
  int mlp_width = 0;          ///< E
  AttentionConfig attention;  ///< of the rows to themselves

  /// Of the rows to a memory, behind that: the blocks of a decoder that reads what an encoder wrote.
  std::optional<AttentionConfig> cross_attention = {};
  int memory_width = 0;  ///< channels of that memory

  NormKind norm = NormKind::layer;
  NormPlace norm_place = NormPlace::pre;
  double norm_eps = 1e-5;

  Activation activation = Activation::gelu;
  Gating gating = Gating::none;
  InnerNorm mlp_inner_norm = InnerNorm::absent;  ///< before the MLP's last product (Wang et al. 2022)
  ResidualScale residual_scale = ResidualScale::one;

  Bias mlp_bias = Bias::present;
  Bias norm_bias = Bias::present;
};

/// Sets the heads of the attention and what follows from them: D = C / H and the scale 1/sqrt(D).
/// Throws Error(corrupt) where the width is not a multiple of the heads.
void set_heads(BlockConfig& config, int heads);

}  // namespace beeld
