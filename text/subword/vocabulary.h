#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace beeld {

/// Pieces of text and their ids: each piece has one id, each id one piece; gaps are allowed.
class Vocabulary {
 public:
  static constexpr std::int32_t none = -1;
  static constexpr std::int64_t largest_id = (1 << 22) - 1;

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
    return slots_.empty() ? none : slots_[slot_of(piece)].id;
  }

  /// As find(); Error(corrupt) naming `origin` where there is no such piece.
  std::int32_t require(std::string_view piece) const;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Bytes of the longest piece.
  std::size_t longest_piece() const { return longest_piece_; }

  bool has_id(std::int64_t id) const {
    return id >= 0 && id < static_cast<std::int64_t>(entries_.size()) &&
           entries_[static_cast<std::size_t>(id)].used;
  }

  /// The piece with this id; empty where no piece has it.
  std::string_view piece(std::int32_t id) const;

  const std::string& origin() const { return origin_; }

 private:
  struct Entry {
    std::uint32_t start = 0;  ///< in pool_
    std::uint32_t length : 31 = 0;
    std::uint32_t used : 1 = 0;
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = none;
  };

  /// Where `piece` is, or would be put, in the open-addressing table.
  std::size_t slot_of(std::string_view wanted) const;
  void reserve(std::size_t pieces);

  std::string origin_;
  std::string pool_;            ///< all pieces, one behind the other
  std::vector<Entry> entries_;  ///< by id
  std::vector<Slot> slots_;     ///< a power of two of them, at most three quarters full
  std::size_t size_ = 0;
  std::size_t longest_piece_ = 0;
};

}  // namespace beeld
