#pragma once

#include <cstdint>
#include <string_view>

#include "text/subword/flat_map.h"

namespace beeld {

/// A set of byte strings with a number each, for finding those that a text begins with.
class ByteTrie {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// A later value for the same key replaces the earlier one.
  void insert(std::string_view key, std::uint32_t value) {
    std::uint32_t node = 0;
    for (const char c : key) {
      if (const auto* child = children_.find(edge(node, c))) {
        node = *child;
      } else {
        const auto next = static_cast<std::uint32_t>(values_.size());
        children_.assign(edge(node, c), next);
        values_.push_back(none);
        node = next;
      }
    }
    values_[node] = value;
  }

  /// Calls visit(length, value) for every key that `text` begins with, shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto* child = children_.find(edge(node, text[i]));
      if (!child) return;
      node = *child;
      if (values_[node] != none) visit(i + 1, values_[node]);
    }
  }

 private:
  static std::uint64_t edge(std::uint32_t node, char c) {
    return std::uint64_t{node} << 8 | static_cast<unsigned char>(c);
  }

  FlatMap<std::uint32_t> children_;
  std::vector<std::uint32_t> values_{none};
};

}  // namespace beeld
