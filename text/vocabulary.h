#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beeld {

/// Pieces of text and their ids: each piece has one id, each id one piece; gaps are allowed.
class Vocabulary {
 public:
  static constexpr std::int32_t none = -1;
  static constexpr std::int64_t largest_id = (1 << 24) - 1;

  Vocabulary() = default;

  /// Empty. `origin` appears in messages.
  explicit Vocabulary(std::string origin) : origin_(std::move(origin)) {}

  /// From a JSON object {piece: id}. `origin` appears in messages. Throws Error(corrupt) for ids that are not
  /// integers from 0 to largest_id, or that stand for two pieces.
  static Vocabulary from_json(const nlohmann::json& object, const std::string& origin);

  /// From a list of pieces: the id is the place in it. Throws Error(corrupt) for a piece that occurs twice.
  static Vocabulary from_list(const std::vector<std::string>& pieces, const std::string& origin);

  /// Throws Error(corrupt) for an id or a piece that is there already.
  void add(std::string_view piece, std::int64_t id);

  /// The id of `piece`, or none.
  std::int32_t find(std::string_view piece) const {
    const auto it = ids_.find(piece);
    return it == ids_.end() ? none : it->second;
  }

  /// As find(); Error(corrupt) naming `origin` where there is no such piece.
  std::int32_t require(std::string_view piece) const;

  std::size_t size() const { return ids_.size(); }
  bool empty() const { return ids_.empty(); }

  /// Bytes of the longest piece.
  std::size_t longest_piece() const { return longest_piece_; }

  bool has_id(std::int64_t id) const {
    return id >= 0 && id < static_cast<std::int64_t>(used_.size()) && used_[static_cast<std::size_t>(id)];
  }

  const std::string& origin() const { return origin_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::string origin_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
  std::vector<bool> used_;
  std::size_t longest_piece_ = 0;
};

}  // namespace beeld
