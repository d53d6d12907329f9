#include "core/ops/weight.h"

#include <beeld/error.h>

#include <string>
#include <type_traits>
#include <utility>

namespace beeld {

template <class T>
Weight<T>::Weight(Tensor<T> plain) {
  if (plain.empty()) {
    if (plain.shape().rank() == 0) return;
    throw Error(ErrorCode::invalid_argument,
                "[weight] expected values of " + plain.shape().string() + ", got none");
  }
  form_ = std::move(plain);
}

template <class T>
const char* Weight<T>::form() const {
  constexpr const char* names[] = {"absent", "plain", "packed", "stored", "computed"};
  return names[form_.index()];
}

template <class T>
Shape Weight<T>::shape() const {
  if (const auto* stored = this->stored()) return stored->shape();
  if (const auto* computed = this->computed()) return computed->shape();
  if (const auto* packed = this->packed()) return packed->shape();
  return plain().shape();
}

template <class T>
const Tensor<T>& Weight<T>::plain() const {
  if (const auto* values = std::get_if<Tensor<T>>(&form_)) return *values;
  throw Error(ErrorCode::invalid_argument, std::string("[weight] expected a plain weight, got one that is ") +
                                               form() + (empty() ? "" : ", " + shape().string()));
}

template <class T>
Tensor<T>& Weight<T>::plain() {
  return const_cast<Tensor<T>&>(std::as_const(*this).plain());
}

template <class T>
const PackedMatrix* Weight<T>::packed() const {
  const auto* held = std::get_if<std::shared_ptr<const PackedMatrix>>(&form_);
  return held ? held->get() : nullptr;
}

template <class T>
Tensor<T> Weight<T>::read(std::int64_t begin, std::int64_t end) const {
  if constexpr (std::is_same_v<T, float>) {
    if (const auto* stored = this->stored()) return stored->read(begin, end);
    if (const auto* computed = this->computed()) return computed->read(begin, end);
  }
  return plain().slice(begin, end);
}

template <class T>
Weight<T> Weight<T>::slice(std::int64_t begin, std::int64_t end) const {
  if (const auto* stored = this->stored()) return stored->slice(begin, end);
  if (const auto* computed = this->computed()) return computed->slice(begin, end);
  return plain().slice(begin, end);
}

template <class T>
void check_recordable(const Weight<T>& weight, const Pass<T>& pass, const char* operation) {
  if (!pass.tape || weight.is_plain()) return;
  throw Error(ErrorCode::invalid_argument, std::string("[") + operation +
                                               "] a gradient needs a plain weight, got one of " +
                                               weight.shape().string() + " that is " +
                                               (weight.packed()     ? "packed for inference"
                                                : weight.computed() ? "computed from others"
                                                                    : "still stored in its file"));
}

template class Weight<float>;
template class Weight<double>;
template void check_recordable(const Weight<float>&, const Pass<float>&, const char*);
template void check_recordable(const Weight<double>&, const Pass<double>&, const char*);

}  // namespace beeld
