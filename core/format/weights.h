#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/format/checkpoint.h"
#include "core/transformer/block.h"

namespace beeld {

/// The names that a checkpoint format gives to the tensors of one block, behind the block's own prefix. Each
/// is a prefix of "weight" and "bias" ("mlp.fc1." or "attn.in_proj_"); a scale is a whole name. Null: the
/// format has none.
struct BlockNames {
  const char* attention_norm = nullptr;
  const char* query = nullptr;  ///< query, key and value apart,
  const char* key = nullptr;
  const char* value = nullptr;
  const char* query_key_value = nullptr;  ///< or packed in this order
  const char* query_bias = nullptr;       ///< whole names, where the packed one has no bias of its own
  const char* value_bias = nullptr;
  const char* query_norm = nullptr;  ///< inner norms
  const char* key_norm = nullptr;
  const char* inner_norm = nullptr;
  const char* output = nullptr;
  const char* attention_scale = nullptr;
  const char* cross_attention_norm = nullptr;
  const char* cross_query = nullptr;  ///< of the attention to a memory
  const char* cross_key = nullptr;
  const char* cross_value = nullptr;
  const char* cross_output = nullptr;
  const char* mlp_norm = nullptr;
  const char* up = nullptr;
  const char* gate = nullptr;     ///< gate and up apart,
  const char* gate_up = nullptr;  ///< or packed in this order
  const char* down = nullptr;
  const char* mlp_inner_norm = nullptr;
  const char* mlp_scale = nullptr;
  Layout layout = Layout::normal;       ///< of its matrices: [out,in], or transposed [in,out]
  const char* relative_bias = nullptr;  ///< a whole name, in the first block
};

/// Names that several formats share: projections apart under `self_attn`,
inline constexpr BlockNames self_attn_names{
    .attention_norm = "layer_norm1.",
    .query = "self_attn.q_proj.",
    .key = "self_attn.k_proj.",
    .value = "self_attn.v_proj.",
    .output = "self_attn.out_proj.",
    .mlp_norm = "layer_norm2.",
    .up = "mlp.fc1.",
    .down = "mlp.fc2.",
};

/// and packed ones in `resblocks`.
inline constexpr BlockNames resblock_names{
    .attention_norm = "ln_1.",
    .query_key_value = "attn.in_proj_",
    .output = "attn.out_proj.",
    .attention_scale = "ls_1.gamma",
    .mlp_norm = "ln_2.",
    .up = "mlp.c_fc.",
    .down = "mlp.c_proj.",
    .mlp_scale = "ls_2.gamma",
};

/// What is going to be done with weights that are read.
enum class WeightUse {
  inference,  ///< they are only looked at: matrices and tables are checked, and stay in the mapped file
  training,   ///< they will change: each has memory of its own
  none,       ///< there are none yet: only what is asked for matters
};

/// A tensor under the name and in the shape that its checkpoint format gives it.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  Tensor<float> values;            ///< shared with the model that uses it
  Layout layout = Layout::normal;  ///< transposed: `shape` has the rows of `values` as columns
};

/// Reads weights from a checkpoint by name and shape, as float32, and knows at the end whether any
/// tensor was left over: a tensor that nobody asked for means an architecture that is not the one configured.
/// Instead of reading it can draw the weights of a model that is yet to learn: what is asked for is the same.
class WeightReader {
 public:
  /// `name` appears in error messages.
  WeightReader(const Checkpoint& checkpoint, std::string name, WeightUse use = WeightUse::inference);

  /// Draws: matrices normal with deviation 1/sqrt(inputs), those that add to a residual stream smaller by
  /// sqrt(2 * layers) (Radford et al. 2019), tables with 0.02, gains one, biases zero.
  explicit WeightReader(std::uint64_t seed);

  /// Neither reads nor draws: every tensor is there as it is asked for, and holds zeros that take no memory.
  /// So a configuration is tried before its weights are there.
  static WeightReader blank();

  /// False for everything optional without a checkpoint.
  bool has(std::string_view name) const { return checkpoint_ && checkpoint_->find(name) != nullptr; }

  /// Whether there is a checkpoint that is read.
  bool reads() const { return checkpoint_ != nullptr; }

  /// A tensor whose values are those of `shape`; extents of one, and a flattened tail, are the file's own
  /// affair: `stored` is the shape in the format, where it is another. Throws Error(corrupt) where it is
  /// absent, of another size, or not of a floating type.
  Tensor<float> read(const std::string& name, Shape shape, std::vector<std::int64_t> stored = {});

  /// The same of values that were counted and not learned: they are no parameters.
  Tensor<float> statistics(const std::string& name, Shape shape);

  /// A table whose rows are gathered, and a matrix [out,in] of products; the file's may be transposed. They
  /// are stored weights, or plain ones for training. Throw as read().
  Weight<float> table(const std::string& name, Shape shape);
  Weight<float> matrix(const std::string& name, Shape out_in, Layout layout = Layout::normal);

  /// A single value; `initial` where weights are drawn.
  float scalar(const std::string& name, float initial = 0);

  /// prefix + "weight" [out,in] and prefix + "bias" [out].
  Linear<float> linear(const std::string& prefix, Shape out_in, Bias bias,
                       std::vector<std::int64_t> stored = {});

  /// Several linear maps of the file as one, their outputs in order.
  Linear<float> joined(std::initializer_list<std::string> prefixes, Shape each, Bias bias,
                       Layout layout = Layout::normal);

  /// The same with as many outputs as the file has, at least one: a classifier's head.
  Linear<float> head(const std::string& prefix, std::int64_t inputs);

  /// A norm of the blocks' kind over their width, or over another one.
  Norm<float> norm(const std::string& prefix, const BlockConfig& config);
  Norm<float> norm(const std::string& prefix, const BlockConfig& config, std::int64_t width);

  /// All blocks of a stack; `prefix(i)` begins every name of block i.
  Transformer<float> transformer(const BlockConfig& config, int layers, const BlockNames& names,
                                 const std::function<std::string(int)>& prefix);

  /// The shape of a tensor as the file has it, empty where there is none.
  std::vector<std::int64_t> shape(std::string_view name) const;

  /// Names tensors that no result depends on: exact names, or endings that begin with a dot.
  void ignore(std::initializer_list<std::string_view> names);

  /// Throws Error(unsupported) naming tensors that were neither read nor ignored.
  void done() const;

  /// The number of learned values read so far, or asked for.
  std::size_t parameters() const { return parameters_; }

  /// All tensors so far, where they are drawn or read for training.
  const std::vector<NamedTensor>& named() const { return named_; }

 private:
  enum class Initial { table, matrix, ones, zeros };

  /// What is asked for, beside its shape.
  struct Asked {
    std::string name;
    Initial initial = Initial::table;
    std::vector<std::int64_t> stored = {};  // the shape in the format, where it is another
    Layout layout = Layout::normal;         // of a matrix, in the format
  };

  /// Fills `values`, rows of a matrix or all of a tensor, from the checkpoint or by drawing.
  void read_into(Asked asked, Tensor<float> values);
  Tensor<float> fetch(Asked asked, Shape shape);
  Weight<float> fetch_weight(Asked asked, Shape shape);
  const TensorEntry& entry_of(const std::string& name, Shape shape);
  const TensorEntry& blank_entry(const std::string& name, Shape shape);
  bool draws() const { return !checkpoint_ && use_ == WeightUse::training; }
  StoredPart part_of(const Asked& asked, Shape shape);
  void draw(Tensor<float>& values, Initial initial);

  /// Queries, keys and values apart, or packed.
  void read_projections(const std::string& prefix, const BlockConfig& config, const BlockNames& names,
                        AttentionWeights<float>& weights);
  AttentionWeights<float> attention(const std::string& prefix, const BlockConfig& config,
                                    const BlockNames& names);
  AttentionWeights<float> cross_attention(const std::string& prefix, const BlockConfig& config,
                                          const BlockNames& names);
  MlpWeights<float> mlp(const std::string& prefix, const BlockConfig& config, const BlockNames& names);

  const Checkpoint* checkpoint_ = nullptr;  // null: weights are drawn, or blank
  std::string name_;
  WeightUse use_ = WeightUse::training;
  Random random_{0};
  std::vector<NamedTensor> named_;
  std::map<std::string, TensorEntry, std::less<>> blanks_;
  std::set<std::string, std::less<>> read_;
  std::vector<std::string> ignored_;
  std::size_t parameters_ = 0;
};

/// The rows of `first`, then those of `second`.
Tensor<float> join_rows(const Tensor<float>& first, const Tensor<float>& second);

/// [rows, columns] -> [columns, rows]
Tensor<float> transpose(const Tensor<float>& matrix);

}  // namespace beeld
