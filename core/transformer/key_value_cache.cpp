#include "core/transformer/key_value_cache.h"

#include <beeld/error.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>

#include "core/kernels/half.h"
#include "core/kernels/kernels.h"

namespace beeld {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "[cache] " + what);
}

void widen(const std::uint16_t* from, std::int64_t count, float* to) {
  widen_f16(reinterpret_cast<const std::byte*>(from), static_cast<std::size_t>(count), to);
}

void widen(const std::uint16_t* from, std::int64_t count, double* to) {
  std::transform(from, from + count, to, [](std::uint16_t half) { return from_half(half); });
}

std::int64_t pages_for(std::int64_t rows, std::int64_t page_rows) {
  return (rows + page_rows - 1) / page_rows;
}

}  // namespace

template <class T>
KeyValueCache<T>::KeyValueCache(const AttentionConfig& attention, int layers, CacheType type)
    : layers_(layers), heads_(attention.key_value_heads), width_(attention.head_width), type_(type) {}

template <class T>
Sequences KeyValueCache<T>::following(std::span<const std::int64_t> lengths) const {
  if (static_cast<std::int64_t>(lengths.size()) != sequences_.count())
    fail(std::to_string(lengths.size()) + " lengths for " + std::to_string(sequences_.count()) +
         " sequences");
  Sequences result;
  for (std::int64_t b = 0; b < sequences_.count(); ++b)
    result.append(lengths[static_cast<std::size_t>(b)], sequences_[b].next());
  return result;
}

template <class T>
void KeyValueCache<T>::gather(std::span<const std::int64_t> parents) {
  Sequences sequences;
  std::vector<Pages> pages;
  for (const auto parent : parents) {
    if (parent < 0 || parent >= sequences_.count())
      fail("sequence " + std::to_string(parent) + " of " + std::to_string(sequences_.count()));
    sequences.append(sequences_[parent].length, sequences_[parent].first);
    pages.push_back(pages_[static_cast<std::size_t>(parent)]);
  }
  sequences_ = std::move(sequences);
  pages_ = std::move(pages);
}

template <class T>
void KeyValueCache<T>::truncate(std::span<const std::int64_t> lengths) {
  if (static_cast<std::int64_t>(lengths.size()) != sequences_.count())
    fail(std::to_string(lengths.size()) + " lengths for " + std::to_string(sequences_.count()) +
         " sequences");
  Sequences sequences;
  for (std::int64_t b = 0; b < sequences_.count(); ++b) {
    const auto length = lengths[static_cast<std::size_t>(b)];
    if (length < 0 || length > sequences_[b].length)
      fail("the first " + std::to_string(length) + " rows of " + std::to_string(sequences_[b].length));
    sequences.append(length, sequences_[b].first);
    pages_[static_cast<std::size_t>(b)].resize(static_cast<std::size_t>(pages_for(length, page_rows)));
  }
  sequences_ = std::move(sequences);
}

template <class T>
std::size_t KeyValueCache<T>::bytes() const {
  std::set<const Page*> all;
  for (const auto& pages : pages_) {
    for (const auto& page : pages) all.insert(page.get());
  }
  return all.size() * static_cast<std::size_t>(page_size()) *
         (type_ == CacheType::f16 ? sizeof(std::uint16_t) : sizeof(T));
}

template <class T>
std::shared_ptr<typename KeyValueCache<T>::Page> KeyValueCache<T>::new_page() const {
  auto page = std::make_shared<Page>();
  if (type_ == CacheType::full) page->full = Tensor<T>({page_size()});
  if (type_ == CacheType::f16) page->halves.resize(static_cast<std::size_t>(page_size()));
  return page;
}

template <class T>
std::shared_ptr<typename KeyValueCache<T>::Page> KeyValueCache<T>::copy_of(const Page& page,
                                                                           std::int64_t rows) const {
  auto copy = new_page();
  for (std::int64_t begin = 0; begin < page_size(); begin += page_rows * width_) {
    if (type_ == CacheType::full)
      std::copy_n(page.full.data() + begin, rows * width_, copy->full.data() + begin);
    else
      std::copy_n(page.halves.data() + begin, rows * width_, copy->halves.data() + begin);
  }
  return copy;
}

template <class T>
void KeyValueCache<T>::open(const Sequences& rows) {
  if (sequences_.count() != 0 && rows.count() != sequences_.count())
    fail("rows of " + std::to_string(rows.count()) + " sequences for " + std::to_string(sequences_.count()));
  Sequences keys;
  for (std::int64_t b = 0; b < rows.count(); ++b) {
    const auto held = sequences_.count() == 0 ? Sequence{} : sequences_[b];
    const bool empty = held.length == 0;
    if (!empty && rows[b].length != 0 && rows[b].first != held.next()) {
      fail("rows from position " + std::to_string(rows[b].first) + " behind positions " +
           std::to_string(held.first) + " to " + std::to_string(held.next() - 1));
    }
    keys.append(held.length + rows[b].length, empty ? rows[b].first : held.first);
  }
  pages_.resize(static_cast<std::size_t>(rows.count()));
  for (std::int64_t b = 0; b < rows.count(); ++b) {
    auto& pages = pages_[static_cast<std::size_t>(b)];
    const auto held = keys[b].length - rows[b].length;
    pages.resize(static_cast<std::size_t>(pages_for(held, page_rows)));  // a failed pass may have taken more
    const auto begun = static_cast<std::size_t>(held / page_rows);
    if (held % page_rows != 0 && pages[begun].use_count() > 1)
      pages[begun] = copy_of(*pages[begun], held % page_rows);
    while (static_cast<std::int64_t>(pages.size()) < pages_for(keys[b].length, page_rows))
      pages.push_back(new_page());
  }
  keys_ = std::move(keys);
  rows_ = rows;
}

template <class T>
std::int64_t KeyValueCache<T>::offset(const CachePlace& place) const {
  const auto part = place.layer * 2 + (place.part == CachePart::keys ? 0 : 1);
  return (part * heads_ + place.head) * page_rows * width_;
}

template <class T>
void KeyValueCache<T>::write(int layer, const Tensor<T>& key_values) {
  if (key_values.shape() != Shape{rows_.rows(), 2 * heads_ * width_} || layer < 0 || layer >= layers_) {
    fail("keys and values " + key_values.shape().string() + " of layer " + std::to_string(layer) +
         ", where " + std::to_string(rows_.rows()) + " rows of " + std::to_string(layers_) +
         " layers were expected");
  }
  for (std::int64_t b = 0; b < rows_.count(); ++b) {
    for (std::int64_t t = 0; t < rows_[b].length; ++t) {
      const T* from = key_values.row(rows_[b].begin + t);
      const auto place = keys_[b].length - rows_[b].length + t;
      auto& page = *pages_[static_cast<std::size_t>(b)][static_cast<std::size_t>(place / page_rows)];
      for (const auto part : {CachePart::keys, CachePart::values}) {
        for (std::int64_t h = 0; h < heads_; ++h, from += width_) {
          const auto to = offset({b, 0, layer, part, h}) + place % page_rows * width_;
          if (type_ == CacheType::full)
            std::copy_n(from, width_, page.full.data() + to);
          else
            std::transform(from, from + width_, page.halves.data() + to,
                           [](T value) { return to_half(static_cast<float>(value)); });
        }
      }
    }
  }
}

template <class T>
const T* KeyValueCache<T>::rows(const CachePlace& place, T* room) const {
  const auto& page = *pages_[static_cast<std::size_t>(place.sequence)][static_cast<std::size_t>(place.page)];
  if (type_ == CacheType::full) return page.full.data() + offset(place);
  const auto count = std::min(keys_[place.sequence].length - place.page * page_rows, page_rows);
  widen(page.halves.data() + offset(place), count * width_, room);
  return room;
}

template class KeyValueCache<float>;
template class KeyValueCache<double>;

}  // namespace beeld
