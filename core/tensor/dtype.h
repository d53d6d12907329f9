#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace beeld {

/// The types of elements a tensor can be stored in.
enum class DType { f32, f16, bf16, i64, i32, u8, i8, i16, f64, boolean };

/// Bytes of one element.
std::size_t size_of(DType dtype);

/// Whether values of the type are read as float32.
bool is_floating(DType dtype);

/// The type's name in a safetensors header, for example "F32".
std::string_view name_of(DType dtype);

/// The type of that name, if there is one.
std::optional<DType> dtype_of(std::string_view name);

}  // namespace beeld
