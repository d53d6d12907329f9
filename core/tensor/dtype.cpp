#include "core/tensor/dtype.h"

#include <array>

namespace beeld {

namespace {

struct DTypeFact {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

// In the order of DType.
constexpr std::array<DTypeFact, 10> dtype_facts{{{DType::f32, "F32", 4},
                                                 {DType::f16, "F16", 2},
                                                 {DType::bf16, "BF16", 2},
                                                 {DType::i64, "I64", 8},
                                                 {DType::i32, "I32", 4},
                                                 {DType::u8, "U8", 1},
                                                 {DType::i8, "I8", 1},
                                                 {DType::i16, "I16", 2},
                                                 {DType::f64, "F64", 8},
                                                 {DType::boolean, "BOOL", 1}}};

}  // namespace

std::size_t size_of(DType dtype) { return dtype_facts[static_cast<std::size_t>(dtype)].size; }

bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f64;
}

std::string_view name_of(DType dtype) { return dtype_facts[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> dtype_of(std::string_view name) {
  for (const auto& fact : dtype_facts)
    if (fact.name == name) return fact.dtype;
  return std::nullopt;
}

}  // namespace beeld
