#include "text/subword/vocabulary.h"

#include <beeld/error.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

namespace beeld {

namespace {

[[noreturn]] void corrupt(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[vocabulary] " + origin + ": " + what);
}

constexpr std::size_t largest_pool = 1u << 30;

std::uint32_t hash_of(std::string_view piece) {
  const auto hash = std::hash<std::string_view>{}(piece);
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

std::string in_quotes(std::string_view piece) { return '"' + std::string(piece.substr(0, 80)) + '"'; }

}  // namespace

Vocabulary Vocabulary::from_json(const nlohmann::json& object, const std::string& origin) {
  if (!object.is_object()) corrupt(origin, std::string("expected an object, got ") + object.type_name());
  Vocabulary result;
  result.origin_ = origin;
  result.reserve(object.size());
  for (const auto& [piece, id] : object.items()) {
    if (!id.is_number_integer()) corrupt(origin, "the id of " + in_quotes(piece) + " is not an integer");
    if (id.is_number_unsigned() && id.get<std::uint64_t>() > static_cast<std::uint64_t>(largest_id)) {
      corrupt(origin, "the id of " + in_quotes(piece) + " is above " + std::to_string(largest_id));
    }
    result.add(piece, id.get<std::int64_t>());
  }
  return result;
}

Vocabulary Vocabulary::from_list(const std::vector<std::string>& pieces, const std::string& origin) {
  Vocabulary result;
  result.origin_ = origin;
  result.reserve(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) result.add(pieces[i], static_cast<std::int64_t>(i));
  return result;
}

void Vocabulary::add(std::string_view piece, std::int64_t id) {
  if (id < 0 || id > largest_id) {
    corrupt(origin_, "the id " + std::to_string(id) + " of " + in_quotes(piece) + " is not from 0 to " +
                         std::to_string(largest_id));
  }
  if (has_id(id)) corrupt(origin_, "the id " + std::to_string(id) + " stands for two pieces");
  if (pool_.size() + piece.size() > largest_pool) corrupt(origin_, "more than 1 GiB of pieces");
  reserve(size_ + 1);
  auto& slot = slots_[slot_of(piece)];
  if (slot.id != none) corrupt(origin_, in_quotes(piece) + " is there twice");
  slot = {hash_of(piece), static_cast<std::int32_t>(id)};
  const auto index = static_cast<std::size_t>(id);
  if (index >= entries_.size()) entries_.resize(std::max(index + 1, entries_.size() * 2));
  auto& entry = entries_[index];
  entry.start = static_cast<std::uint32_t>(pool_.size());
  entry.length = static_cast<std::uint32_t>(piece.size()) & 0x7FFFFFFF;
  entry.used = 1;
  pool_ += piece;
  ++size_;
  longest_piece_ = std::max(longest_piece_, piece.size());
}

void Vocabulary::reserve(std::size_t pieces) {
  auto capacity = std::max<std::size_t>(slots_.size(), 16);
  while (capacity * 3 < pieces * 4) capacity *= 2;
  if (capacity == slots_.size()) return;
  std::vector<Slot> old(capacity);
  old.swap(slots_);
  for (const auto& slot : old) {
    if (slot.id != none) slots_[slot_of(piece(slot.id))] = slot;
  }
}

std::size_t Vocabulary::slot_of(std::string_view wanted) const {
  const auto mask = slots_.size() - 1;
  const auto hash = hash_of(wanted);
  auto i = hash & mask;
  while (slots_[i].id != none && (slots_[i].hash != hash || piece(slots_[i].id) != wanted))
    i = (i + 1) & mask;
  return i;
}

std::string_view Vocabulary::piece(std::int32_t id) const {
  if (!has_id(id)) return {};
  const auto& entry = entries_[static_cast<std::size_t>(id)];
  return std::string_view(pool_).substr(entry.start, entry.length);
}

std::int32_t Vocabulary::require(std::string_view piece) const {
  const auto id = find(piece);
  if (id == none) corrupt(origin_, "has no piece " + in_quotes(piece));
  return id;
}

}  // namespace beeld
