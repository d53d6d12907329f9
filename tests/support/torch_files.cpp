#include "tests/support/torch_files.h"

#include <array>
#include <cstring>

#include "core/base/files.h"

namespace beeld::testing {

namespace {

template <class T>
std::string little(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string u16(std::size_t value) { return little(static_cast<std::uint16_t>(value)); }
std::string u32(std::size_t value) { return little(static_cast<std::uint32_t>(value)); }
std::string u64(std::size_t value) { return little(static_cast<std::uint64_t>(value)); }

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320U : 0U);
  }
  return table;
}();

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) crc = crc >> 8 ^ crc_table[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  return ~crc;
}

std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const auto value : values) items.push_back(pickled::integer(value));
  return pickled::tuple(items);
}

/// In the order of DType.
constexpr std::array<std::string_view, 10> storage_types{
    "FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage",   "IntStorage",
    "ByteStorage",  "CharStorage", "ShortStorage",    "DoubleStorage", "BoolStorage"};

}  // namespace

namespace pickled {

std::string text(std::string_view value) { return 'X' + u32(value.size()) + std::string(value); }

std::string integer(std::int64_t value) {
  if (value >= 0 && value < 256) return std::string{'K', static_cast<char>(value)};
  if (value >= 0 && value < 65536) return 'M' + u16(static_cast<std::size_t>(value));
  if (value == static_cast<std::int32_t>(value)) return 'J' + little(static_cast<std::int32_t>(value));
  return std::string("\x8a\x08") + little(value);
}

std::string tuple(const std::vector<std::string>& items) {
  if (items.empty()) return ")";
  std::string all;
  for (const auto& item : items) all += item;
  if (items.size() <= 3) return all + static_cast<char>(0x84 + items.size());
  return '(' + all + 't';
}

std::string list(const std::vector<std::string>& items) {
  std::string all = "](";
  for (const auto& item : items) all += item;
  return all + 'e';
}

namespace {

std::string items_of(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + 'u';
}

}  // namespace

std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  return '}' + items_of(items);
}

std::string ordered_dict(const std::vector<std::pair<std::string, std::string>>& items) {
  return call(global("collections", "OrderedDict"), ")") + items_of(items);
}

std::string global(std::string_view module, std::string_view name) {
  return 'c' + std::string(module) + '\n' + std::string(name) + '\n';
}

std::string call(const std::string& callee, const std::string& arguments) { return callee + arguments + 'R'; }

std::string module_object(std::string_view class_name,
                          const std::vector<std::pair<std::string, std::string>>& members) {
  return global("__torch__.net", class_name) + ")\x81" + dict(members) + 'b';
}

std::string storage(std::string_view type, std::string_view key, std::int64_t elements) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(elements)}) + 'Q';
}

std::string stream_storage(std::string_view type, std::string_view key, std::int64_t elements,
                           const std::string& part) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(elements), part}) +
         'Q';
}

std::string tensor(const std::string& storage, const View& view) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              tuple({storage, integer(view.offset), integers(view.shape), integers(view.strides), "\x89",
                     ordered_dict({})}));
}

std::string parameter(const std::string& tensor) {
  return call(global("torch._utils", "_rebuild_parameter"), tuple({tensor, "\x88", ordered_dict({})}));
}

std::vector<std::int64_t> row_major(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (auto i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::string whole(const std::string& value) { return "\x80\x02" + value + '.'; }

}  // namespace pickled

std::string zip_bytes(const std::vector<ZipFile>& files, ZipSizes sizes) {
  constexpr std::size_t header = 30, alignment = 64;
  const bool wide = sizes == ZipSizes::zip64;
  const std::string saturated(4, '\xff');
  std::string archive, directory;
  for (const auto& file : files) {
    const auto begin = archive.size(), size = file.content.size();
    const std::string version = u16(wide ? 45 : 0), flags = u16(0x800),
                      checksum = little(crc32(file.content));
    const auto unaligned = (begin + header + file.name.size() + 4) % alignment;
    const auto padding = unaligned == 0 ? 0 : alignment - unaligned;
    archive += "PK\x03\x04" + version + flags + u16(0) + u32(0) + checksum + u32(size) + u32(size) +
               u16(file.name.size()) + u16(4 + padding) + file.name + "FB" + u16(padding) +
               std::string(padding, 'Z') + file.content;
    const auto extra = wide ? u16(1) + u16(24) + u64(size) + u64(size) + u64(begin) : std::string();
    directory += "PK\x01\x02" + u16(0) + version + flags + u16(0) + u32(0) + checksum +
                 (wide ? saturated + saturated : u32(size) + u32(size)) + u16(file.name.size()) +
                 u16(extra.size()) + u16(0) + u16(0) + u16(0) + u32(0) + (wide ? saturated : u32(begin)) +
                 file.name + extra;
  }
  const auto begin = archive.size(), count = files.size();
  archive += directory;
  if (wide) {
    const auto end = archive.size();
    archive += "PK\x06\x06" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(count) + u64(count) +
               u64(directory.size()) + u64(begin);
    archive += "PK\x06\x07" + u32(0) + u64(end) + u32(1);
  }
  return archive + "PK\x05\x06" + u16(0) + u16(0) +
         (wide ? std::string(4, '\xff') : u16(count) + u16(count)) +
         (wide ? saturated + saturated : u32(directory.size()) + u32(begin)) + u16(0);
}

std::string torch_archive(const std::string& pickle, const std::vector<ZipFile>& storages, ZipSizes sizes) {
  std::vector<ZipFile> files{{"archive/data.pkl", pickle}};
  for (const auto& storage : storages) files.push_back({"archive/data/" + storage.name, storage.content});
  files.push_back({"archive/version", "3\n"});
  return zip_bytes(files, sizes);
}

std::string torch_stream(const std::string& pickle, const std::vector<StreamStorage>& storages) {
  const auto magic = std::string("\x8a\x0al\xfc\x9c") + "F\xf9 j\xa8P\x19";
  const std::string machine = '}' + pickled::text("little_endian") + "\x88s";
  std::vector<std::string> keys;
  std::string data;
  for (const auto& storage : storages) {
    keys.push_back(pickled::text(storage.key));
    data += little(storage.elements) + storage.content;
  }
  return pickled::whole(magic) + pickled::whole(pickled::integer(1001)) + pickled::whole(machine) + pickle +
         pickled::whole(pickled::list(keys)) + data;
}

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

/// The members whose names begin with `prefix`, those with a further point as objects of their own.
std::string module_tree(const Members& tensors, const std::string& prefix) {
  Members members;
  for (const auto& [name, value] : tensors) {
    if (!name.starts_with(prefix)) continue;
    const auto rest = name.substr(prefix.size());
    const auto point = rest.find('.');
    const auto member = rest.substr(0, point);
    if (!members.empty() && members.back().first == member) continue;
    members.emplace_back(member, point == rest.npos ? value : module_tree(tensors, prefix + member + '.'));
  }
  members.emplace_back("training", "\x89");
  return pickled::module_object("Module", members);
}

}  // namespace

std::string torch_bytes(const std::map<std::string, TensorData, std::less<>>& tensors, TorchForm form) {
  Members members;
  std::vector<ZipFile> files;
  std::vector<StreamStorage> stream;
  for (const auto& [name, tensor] : tensors) {
    const auto key = std::to_string(members.size());
    const auto type = storage_types[static_cast<std::size_t>(tensor.dtype)];
    const auto elements = static_cast<std::int64_t>(tensor.bytes.size() / size_of(tensor.dtype));
    const std::string content(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    const auto storage = form == TorchForm::stream ? pickled::stream_storage(type, key, elements)
                                                   : pickled::storage(type, key, elements);
    members.emplace_back(name, pickled::tensor(storage, {0, tensor.shape, pickled::row_major(tensor.shape)}));
    files.push_back({key, content});
    stream.push_back({key, elements, content});
  }
  if (form == TorchForm::stream) return torch_stream(pickled::whole(pickled::ordered_dict(members)), stream);
  const auto pickle =
      pickled::whole(form == TorchForm::script ? module_tree(members, "") : pickled::ordered_dict(members));
  return torch_archive(pickle, files, form == TorchForm::archive_zip64 ? ZipSizes::zip64 : ZipSizes::plain);
}

std::string torch_bytes(const StoredTensors& tensors, DType dtype, TorchForm form) {
  std::map<std::string, std::vector<std::byte>> bytes;
  std::map<std::string, TensorData, std::less<>> data;
  for (const auto& [name, tensor] : tensors) {
    bytes[name] = stored_bytes(tensor, dtype);
    data[name] = {dtype, tensor.shape, bytes[name]};
  }
  return torch_bytes(data, form);
}

void write_torch(const std::filesystem::path& file, const StoredTensors& tensors, DType dtype,
                 TorchForm form) {
  write_file_atomically(file, torch_bytes(tensors, dtype, form));
}

}  // namespace beeld::testing
