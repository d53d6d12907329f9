#pragma once

#include "core/format/safetensors.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beeld::pickle {

/// The opcodes that are read; the letters are those of Python's pickletools.
enum class Opcode : std::uint8_t {
  mark = '(',
  stop = '.',
  none = 'N',
  new_true = 0x88,
  new_false = 0x89,
  int4 = 'J',
  int1 = 'K',
  int2 = 'M',
  long1 = 0x8a,
  real = 'G',
  unicode = 'X',
  unicode1 = 0x8c,
  empty_tuple = ')',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  tuple = 't',
  empty_list = ']',
  append = 'a',
  appends = 'e',
  empty_dict = '}',
  set_item = 's',
  set_items = 'u',
  global = 'c',
  stack_global = 0x93,
  persistent_id = 'Q',
  reduce = 'R',
  build = 'b',
  new_object = 0x81,
  get1 = 'h',
  get4 = 'j',
  put1 = 'q',
  put4 = 'r',
  memoize = 0x94,
  protocol = 0x80,
  frame = 0x95,
};

/// The opcode's name in Python's pickletools, also of those that are refused; "opcode 0xff" where it has
/// none.
std::string name_of_opcode(std::uint8_t code);

/// What a pickle may ask for by name.
enum class Global {
  ordered_dict,
  rebuild_tensor,
  rebuild_tensor_v2,
  rebuild_parameter,
  storage,
  script_class
};

struct KnownGlobal {
  Global what = Global::storage;
  DType dtype = DType::f32;  ///< of a storage
};

/// Nothing for a name that is not on the list.
std::optional<KnownGlobal> find_global(std::string_view module, std::string_view name);

}  // namespace beeld::pickle
