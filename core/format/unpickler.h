#pragma once

#include "core/format/safetensors.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beeld::pickle {

enum class Kind { none, boolean, integer, real, text, tuple, list, dict, object, global, storage, tensor };

/// What a pickle holds, without being it: `number` is a boolean's or an integer's value, and otherwise a
/// place in the lists of Content. What nothing asks for, the value of a real number, is not kept.
struct Value {
  Kind kind = Kind::none;
  std::int64_t number = 0;
};

/// A tuple, a list, a dict (key, value, key, value, ...) or an object of a scripted module (its state).
struct Container {
  Kind kind = Kind::tuple;
  int depth = 1;  ///< containers in containers, as far as they were known when they were put in
  std::vector<Value> items;
};

/// The elements that tensors are views of, as the pickle describes them.
struct Storage {
  std::string_view key;  ///< names its bytes
  DType dtype = DType::f32;
  std::int64_t size = 0;  ///< elements
};

/// A view of a storage that has been checked to lie within it.
struct TensorView {
  std::size_t storage = 0;
  std::int64_t offset = 0;  ///< elements
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< elements
  auto operator<=>(const TensorView&) const = default;
};

struct Content {
  Value root;
  std::size_t bytes = 0;  ///< length of the pickle
  std::vector<std::string_view> texts;
  std::vector<Container> containers;
  std::vector<Storage> storages;  ///< each key once
  std::vector<TensorView> tensors;

  std::string_view text(Value value) const { return texts[static_cast<std::size_t>(value.number)]; }
  const Container& container(Value value) const { return containers[static_cast<std::size_t>(value.number)]; }
};

/// How deep anything in a pickle may be nested, and how many steps may be taken through it.
inline constexpr int max_depth = 100;
inline constexpr std::size_t max_steps = std::size_t{1} << 21;

/// Reads the pickle that `bytes` begin with, for the tensors in it. It is no interpreter: of the opcodes of
/// pickle it knows those with which torch writes containers, numbers, texts and tensors, and of the names
/// that a pickle can ask for those that rebuild tensors. Everything else is refused by name, wherever it
/// stands, and nothing is ever called. Texts are views into `bytes`.
///
/// Throws Error, naming `file`: unsupported (an opcode or a global that is not on the lists), corrupt, or
/// limit.
Content unpickle(std::string_view bytes, const std::string& file);

}  // namespace beeld::pickle
