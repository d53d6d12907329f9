#include "core/format/pickle_names.h"

#include <array>

namespace beeld::pickle {

namespace {

struct NamedOpcode {
  std::uint8_t code;
  std::string_view name;
};

constexpr std::array<NamedOpcode, 68> opcode_names{{{'(', "MARK"},
                                                    {'.', "STOP"},
                                                    {'0', "POP"},
                                                    {'1', "POP_MARK"},
                                                    {'2', "DUP"},
                                                    {'F', "FLOAT"},
                                                    {'I', "INT"},
                                                    {'J', "BININT"},
                                                    {'K', "BININT1"},
                                                    {'L', "LONG"},
                                                    {'M', "BININT2"},
                                                    {'N', "NONE"},
                                                    {'P', "PERSID"},
                                                    {'Q', "BINPERSID"},
                                                    {'R', "REDUCE"},
                                                    {'S', "STRING"},
                                                    {'T', "BINSTRING"},
                                                    {'U', "SHORT_BINSTRING"},
                                                    {'V', "UNICODE"},
                                                    {'X', "BINUNICODE"},
                                                    {'a', "APPEND"},
                                                    {'b', "BUILD"},
                                                    {'c', "GLOBAL"},
                                                    {'d', "DICT"},
                                                    {'}', "EMPTY_DICT"},
                                                    {'e', "APPENDS"},
                                                    {'g', "GET"},
                                                    {'h', "BINGET"},
                                                    {'i', "INST"},
                                                    {'j', "LONG_BINGET"},
                                                    {'l', "LIST"},
                                                    {']', "EMPTY_LIST"},
                                                    {'o', "OBJ"},
                                                    {'p', "PUT"},
                                                    {'q', "BINPUT"},
                                                    {'r', "LONG_BINPUT"},
                                                    {'s', "SETITEM"},
                                                    {'t', "TUPLE"},
                                                    {')', "EMPTY_TUPLE"},
                                                    {'u', "SETITEMS"},
                                                    {'G', "BINFLOAT"},
                                                    {'B', "BINBYTES"},
                                                    {'C', "SHORT_BINBYTES"},
                                                    {0x80, "PROTO"},
                                                    {0x81, "NEWOBJ"},
                                                    {0x82, "EXT1"},
                                                    {0x83, "EXT2"},
                                                    {0x84, "EXT4"},
                                                    {0x85, "TUPLE1"},
                                                    {0x86, "TUPLE2"},
                                                    {0x87, "TUPLE3"},
                                                    {0x88, "NEWTRUE"},
                                                    {0x89, "NEWFALSE"},
                                                    {0x8a, "LONG1"},
                                                    {0x8b, "LONG4"},
                                                    {0x8c, "SHORT_BINUNICODE"},
                                                    {0x8d, "BINUNICODE8"},
                                                    {0x8e, "BINBYTES8"},
                                                    {0x8f, "EMPTY_SET"},
                                                    {0x90, "ADDITEMS"},
                                                    {0x91, "FROZENSET"},
                                                    {0x92, "NEWOBJ_EX"},
                                                    {0x93, "STACK_GLOBAL"},
                                                    {0x94, "MEMOIZE"},
                                                    {0x95, "FRAME"},
                                                    {0x96, "BYTEARRAY8"},
                                                    {0x97, "NEXT_BUFFER"},
                                                    {0x98, "READONLY_BUFFER"}}};

struct NamedGlobal {
  std::string_view module;
  std::string_view name;
  KnownGlobal known;
};

constexpr std::array<NamedGlobal, 14> globals{
    {{"collections", "OrderedDict", {Global::ordered_dict}},
     {"torch._utils", "_rebuild_tensor", {Global::rebuild_tensor}},
     {"torch._utils", "_rebuild_tensor_v2", {Global::rebuild_tensor_v2}},
     {"torch._utils", "_rebuild_parameter", {Global::rebuild_parameter}},
     {"torch", "FloatStorage", {Global::storage, DType::f32}},
     {"torch", "HalfStorage", {Global::storage, DType::f16}},
     {"torch", "BFloat16Storage", {Global::storage, DType::bf16}},
     {"torch", "DoubleStorage", {Global::storage, DType::f64}},
     {"torch", "LongStorage", {Global::storage, DType::i64}},
     {"torch", "IntStorage", {Global::storage, DType::i32}},
     {"torch", "ShortStorage", {Global::storage, DType::i16}},
     {"torch", "CharStorage", {Global::storage, DType::i8}},
     {"torch", "ByteStorage", {Global::storage, DType::u8}},
     {"torch", "BoolStorage", {Global::storage, DType::boolean}}}};

}  // namespace

std::string name_of_opcode(std::uint8_t code) {
  for (const auto& known : opcode_names) {
    if (known.code == code) return std::string(known.name);
  }
  constexpr std::string_view digits = "0123456789abcdef";
  return std::string("0x") + digits[code / 16] + digits[code % 16];
}

std::optional<KnownGlobal> find_global(std::string_view module, std::string_view name) {
  // The classes of a scripted module say where its tensors hang, and nothing else is asked of them.
  if (module == "__torch__" || module.starts_with("__torch__.")) return KnownGlobal{Global::script_class};
  for (const auto& known : globals) {
    if (known.module == module && known.name == name) return known.known;
  }
  return std::nullopt;
}

}  // namespace beeld::pickle
