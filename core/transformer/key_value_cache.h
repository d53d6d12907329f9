#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/tensor/sequences.h"
#include "core/tensor/tensor.h"
#include "core/transformer/config.h"

namespace beeld {

/// How a cache holds keys and values.
enum class CacheType {
  full,  ///< as they were computed
  f16,   ///< rounded to float16, in half the memory of float
};

enum class CachePart { keys, values };

/// Where rows of a cache lie.
struct CachePlace {
  std::int64_t sequence = 0;
  std::int64_t page = 0;
  int layer = 0;
  CachePart part = CachePart::keys;
  std::int64_t head = 0;
};

/// The keys and values of all layers for the rows that a stack has read, so that further rows need not read
/// them again: the state of decoding. Sequences may be of unequal lengths.
///
/// Rows lie in pages, which sequences share after gather(): neither appending nor gathering moves rows that
/// are there. A page that is shared and not yet full is copied when one of its sequences goes on, so a
/// sequence copies fewer than `page_rows` rows after a gather, once.
///
/// One thread at a time; a copy of a cache goes on by itself, at the cost of gather().
template <class T>
class KeyValueCache {
 public:
  static constexpr std::int64_t page_rows = 64;

  /// Holds nothing yet; the first rows say how many sequences there are, and at which positions they begin.
  KeyValueCache(const AttentionConfig& attention, int layers, CacheType type = CacheType::full);

  /// The rows that are held: their counts, and their positions.
  const Sequences& sequences() const { return sequences_; }

  /// Sequences of `lengths[b]` rows that go on where the held ones end. Throws Error(invalid_argument) for
  /// another number of sequences.
  Sequences following(std::span<const std::int64_t> lengths) const;

  /// Sequence parents[i] becomes sequence i: beams, or prompts that begin alike and are read once. Throws
  /// Error(invalid_argument) where there is none.
  void gather(std::span<const std::int64_t> parents);

  /// Forgets all but the first `lengths[b]` rows of each sequence. Throws Error(invalid_argument) where it
  /// holds fewer.
  void truncate(std::span<const std::int64_t> lengths);

  /// The memory of all pages; those that are shared count once.
  std::size_t bytes() const;

  // What follows is for the stack: a pass opens the cache, writes every layer, and closes it. One that fails
  // in between leaves the cache as it was.

  /// Makes room for further rows. Throws Error(invalid_argument) where they do not follow those held.
  void open(const Sequences& rows);

  /// Of one layer [N, 2*H*D], all keys before all values.
  void write(int layer, const Tensor<T>& key_values);
  void close() { sequences_ = keys_; }

  /// What is held together with the rows that the cache was opened for.
  const Sequences& keys() const { return keys_; }

  /// Up to `page_rows` rows [D] of a head, one after the other; `room` [page_rows*D] receives them where they
  /// are not held as T.
  const T* rows(const CachePlace& place, T* room) const;
  bool needs_room() const { return type_ == CacheType::f16; }

 private:
  /// [layers, 2, H, page_rows, D] of either kind.
  struct Page {
    Tensor<T> full;
    std::vector<std::uint16_t> halves;
  };
  using Pages = std::vector<std::shared_ptr<Page>>;

  std::shared_ptr<Page> new_page() const;
  std::shared_ptr<Page> copy_of(const Page& page, std::int64_t rows) const;
  std::int64_t page_size() const { return layers_ * 2 * heads_ * page_rows * width_; }
  std::int64_t offset(const CachePlace& place) const;

  std::int64_t layers_, heads_, width_;
  CacheType type_;
  std::vector<Pages> pages_;  // of each sequence
  Sequences sequences_, keys_, rows_;
};

}  // namespace beeld
