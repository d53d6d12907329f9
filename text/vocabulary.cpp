#include "text/vocabulary.h"

#include <beeld/error.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace beeld {

namespace {

[[noreturn]] void corrupt(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[vocabulary] " + origin + ": " + what);
}

std::string in_quotes(std::string_view piece) { return '"' + std::string(piece.substr(0, 80)) + '"'; }

}  // namespace

Vocabulary Vocabulary::from_json(const nlohmann::json& object, const std::string& origin) {
  if (!object.is_object()) corrupt(origin, std::string("expected an object, got ") + object.type_name());
  Vocabulary result;
  result.origin_ = origin;
  result.ids_.reserve(object.size());
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
  result.ids_.reserve(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) result.add(pieces[i], static_cast<std::int64_t>(i));
  return result;
}

void Vocabulary::add(std::string_view piece, std::int64_t id) {
  if (id < 0 || id > largest_id) {
    corrupt(origin_, "the id " + std::to_string(id) + " of " + in_quotes(piece) + " is not from 0 to " +
                         std::to_string(largest_id));
  }
  if (has_id(id)) corrupt(origin_, "the id " + std::to_string(id) + " stands for two pieces");
  const auto index = static_cast<std::size_t>(id);
  if (!ids_.emplace(piece, static_cast<std::int32_t>(id)).second) {
    corrupt(origin_, in_quotes(piece) + " is there twice");
  }
  if (index >= used_.size()) used_.resize(index + 1);
  used_[index] = true;
  longest_piece_ = std::max(longest_piece_, piece.size());
}

std::int32_t Vocabulary::require(std::string_view piece) const {
  const auto id = find(piece);
  if (id == none) corrupt(origin_, "has no piece " + in_quotes(piece));
  return id;
}

}  // namespace beeld
