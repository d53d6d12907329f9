#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace beeld {

/// An open-addressing hash map from 64-bit keys to small values. The key ~0 is reserved.
template <class Value>
class FlatMap {
 public:
  explicit FlatMap(std::size_t expected = 0) { slots_.resize(capacity_for(expected)); }

  void assign(std::uint64_t key, const Value& value) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    auto& slot = slots_[find_slot(key)];
    if (slot.key == empty) ++size_;
    slot = {key, value};
  }

  /// The value of `key`; nullptr where it has none.
  const Value* find(std::uint64_t key) const {
    const auto& slot = slots_[find_slot(key)];
    return slot.key == empty ? nullptr : &slot.value;
  }

 private:
  static constexpr std::uint64_t empty = ~std::uint64_t{0};

  struct Slot {
    std::uint64_t key = empty;
    Value value{};
  };

  static std::size_t capacity_for(std::size_t expected) {
    std::size_t capacity = 16;
    while (capacity * 3 < expected * 4 + 4) capacity *= 2;
    return capacity;
  }

  std::size_t find_slot(std::uint64_t key) const {
    const auto mask = slots_.size() - 1;
    auto hash = key * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
    auto i = hash & mask;
    while (slots_[i].key != empty && slots_[i].key != key) i = (i + 1) & mask;
    return i;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const auto& slot : old) {
      if (slot.key != empty) slots_[find_slot(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace beeld
