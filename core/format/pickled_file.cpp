#include "core/format/pickled_file.h"

#include "core/base/text.h"
#include "core/format/unpickler.h"
#include "core/format/zip_archive.h"

#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace beeld {

namespace {

using pickle::Content;
using pickle::Kind;
using pickle::TensorView;
using pickle::Value;

// The three pickles that a stream begins with: a magic number, the version 1001, and the machine's facts.
constexpr std::string_view stream_start(
    "\x80\x02\x8a\x0al\xfc\x9c"
    "F\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    21);
constexpr std::size_t count_bytes = 8;                        // of elements, before each storage of a stream
constexpr std::size_t max_name_bytes = std::size_t{1} << 24;  // of all modules' members together
constexpr std::string_view parallel_prefix = "module.";

struct Problem {
  const std::string& file;

  [[noreturn]] void corrupt(const std::string& fact) const {
    throw Error(ErrorCode::corrupt, "[pickle] " + file + ": " + fact);
  }
  [[noreturn]] void unsupported(const std::string& fact) const {
    throw Error(ErrorCode::unsupported, "[pickle] " + file + ": " + fact);
  }
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What a file says, and where the storages' bytes are, in the order of content.storages.
struct Contained {
  std::string_view header;
  Content content;
  std::vector<std::span<std::byte>> storages;
};

/// The bytes that a storage needs, of which there are as many as `there` says, or at least as many.
std::uint64_t bytes_of(const pickle::Storage& storage, std::uint64_t there, const Problem& problem) {
  std::uint64_t wanted = 0;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(storage.size), size_of(storage.dtype), &wanted) ||
      wanted > there) {
    problem.corrupt("the storage " + excerpt(storage.key) + " of " + std::to_string(storage.size) +
                    " elements of " + std::string(name_of(storage.dtype)) + " is longer than its " +
                    std::to_string(there) + " bytes");
  }
  return wanted;
}

/// torch's archives: FOLDER/data.pkl, FOLDER/data/KEY for each storage, and records that are not needed.
class TorchArchive {
 public:
  TorchArchive(std::span<std::byte> bytes, const Problem& problem)
      : problem_(problem), archive_(bytes, problem.file) {
    constexpr std::string_view ending = "/data.pkl";
    for (const auto& [name, record] : archive_.records()) {
      if (!name.ends_with(ending) || name.find('/') != name.size() - ending.size()) continue;
      if (!folder_.empty()) problem.corrupt("the archive has more than one data.pkl");
      folder_ = name.substr(0, name.size() - ending.size() + 1);
    }
    if (folder_.empty()) problem.corrupt("the zip archive has no data.pkl, so torch.save did not write it");
  }

  Contained read() const {
    if (const auto order = find("byteorder"); order && text_of(*order) != "little")
      problem_.unsupported("its byteorder is not little");
    Contained result;
    const auto pickle = text_of(need("data.pkl"));
    result.content = pickle::unpickle(pickle, problem_.file);
    if (result.content.bytes != pickle.size()) problem_.corrupt("data.pkl goes on after its STOP");
    for (const auto& storage : result.content.storages) {
      if (storage.key.find_first_of(std::string_view("/\\.\0", 4)) != std::string_view::npos)
        problem_.corrupt("a storage's key that is no plain name");
      result.storages.push_back(need("data/" + std::string(storage.key)));
      const auto bytes = result.storages.back().size();
      if (bytes_of(storage, bytes, problem_) != bytes)
        problem_.corrupt("the storage " + excerpt(storage.key) + " is shorter than its record of " +
                         std::to_string(bytes) + " bytes");
    }
    result.header = pickle;
    return result;
  }

 private:
  std::optional<std::span<std::byte>> find(const std::string& name) const {
    const auto record = archive_.records().find(std::string(folder_) + name);
    if (record == archive_.records().end()) return std::nullopt;
    if (!record->second.stored)
      problem_.unsupported("the record " + excerpt(name) +
                           " is compressed or encrypted; torch stores it as it is");
    return record->second.bytes;
  }

  std::span<std::byte> need(const std::string& name) const {
    const auto record = find(name);
    if (!record) problem_.corrupt("the archive has no record " + excerpt(name));
    return *record;
  }

  const Problem& problem_;
  ZipArchive archive_;
  std::string_view folder_;  // with its slash
};

/// Before torch 1.6: the machine, the object and the storages' keys as pickles, then each storage.
class TorchStream {
 public:
  TorchStream(std::span<std::byte> bytes, const Problem& problem)
      : problem_(problem), bytes_(bytes), at_(stream_start.size()) {}

  Contained read() {
    check_machine(next_pickle());
    Contained result;
    const auto begin = at_;
    result.content = next_pickle();
    result.header = text_of(bytes_.subspan(begin, at_ - begin));
    read_storages(next_pickle(), result);
    if (at_ != bytes_.size()) problem_.corrupt("the file goes on after the last storage");
    return result;
  }

 private:
  Content next_pickle() {
    auto content = pickle::unpickle(text_of(bytes_.subspan(at_)), problem_.file);
    at_ += content.bytes;
    return content;
  }

  void check_machine(const Content& content) const {
    if (content.root.kind != Kind::dict) problem_.corrupt("expected a dict of the machine's facts");
    const auto& items = content.container(content.root).items;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (items[i].kind != Kind::text || content.text(items[i]) != "little_endian") continue;
      if (items[i + 1].kind == Kind::boolean && items[i + 1].number == 1) return;
    }
    problem_.unsupported("it does not say that it is little-endian");
  }

  void read_storages(const Content& keys, Contained& result) {
    std::map<std::string_view, std::size_t> wanted;
    const auto& storages = result.content.storages;
    for (std::size_t i = 0; i < storages.size(); ++i) wanted.emplace(storages[i].key, i);
    result.storages.resize(storages.size());
    if (keys.root.kind != Kind::list) problem_.corrupt("expected a list of the storages' keys");
    for (const auto key : keys.container(keys.root).items) {
      const auto found = key.kind == Kind::text ? wanted.find(keys.text(key)) : wanted.end();
      if (found == wanted.end())
        problem_.corrupt("a storage's key that no tensor uses, or that occurs twice");
      result.storages[found->second] = next_storage(storages[found->second]);
      wanted.erase(found);
    }
    if (!wanted.empty()) problem_.corrupt("the storage " + excerpt(wanted.begin()->first) + " is not there");
  }

  std::span<std::byte> next_storage(const pickle::Storage& storage) {
    std::int64_t count = 0;
    if (bytes_.size() - at_ < count_bytes)
      problem_.corrupt("the file ends before the storage " + excerpt(storage.key));
    std::memcpy(&count, bytes_.data() + at_, count_bytes);
    at_ += count_bytes;
    if (count != storage.size) {
      problem_.corrupt("the storage " + excerpt(storage.key) + " of " + std::to_string(storage.size) +
                       " elements begins with the count " + std::to_string(count));
    }
    const auto bytes = bytes_of(storage, bytes_.size() - at_, problem_);
    at_ += bytes;
    return bytes_.subspan(at_ - bytes, bytes);
  }

  const Problem& problem_;
  std::span<std::byte> bytes_;
  std::size_t at_;
};

/// The tensors of an object that was saved, by name.
class StateDict {
 public:
  using Names = std::map<std::string, const TensorView*, std::less<>>;

  StateDict(const Content& content, const Problem& problem) : content_(content), problem_(problem) {}

  Names names() {
    const auto root = content_.root;
    if (root.kind == Kind::object) {
      add_members(root, "", 1);
    } else if (root.kind == Kind::dict) {
      add_items(weights_of(root));
    } else {
      problem_.unsupported("expected a dict of tensors or a scripted module");
    }
    if (names_.empty()) problem_.corrupt("it has no tensors by name");
    return std::ranges::all_of(names_,
                               [](const auto& named) { return named.first.starts_with(parallel_prefix); })
               ? without_prefix()
               : std::move(names_);
  }

 private:
  /// The dict that holds the weights: one of a training checkpoint's, or the dict itself.
  Value weights_of(Value dict) const {
    for (const std::string_view key : {"state_dict", "model_state_dict", "model"}) {
      std::optional<Value> found;
      const auto& items = content_.container(dict).items;
      for (std::size_t i = 0; i < items.size(); i += 2) {
        if (items[i].kind != Kind::text || content_.text(items[i]) != key) continue;
        if (found) problem_.corrupt("the key " + std::string(key) + " occurs twice");
        found = items[i + 1];
      }
      if (found && found->kind == Kind::dict) return *found;
    }
    return dict;
  }

  void add(std::string name, Value tensor) {
    const auto* view = &content_.tensors[static_cast<std::size_t>(tensor.number)];
    const auto [place, fresh] = names_.emplace(std::move(name), view);
    if (!fresh) problem_.corrupt("the name " + excerpt(place->first) + " occurs twice");
  }

  void add_items(Value dict) {
    const auto& items = content_.container(dict).items;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (items[i + 1].kind != Kind::tensor) continue;
      if (items[i].kind != Kind::text) problem_.corrupt("a tensor under a number instead of a name");
      add(std::string(content_.text(items[i])), items[i + 1]);
    }
  }

  /// Modules may be shared, so that short files have long lists of names.
  void spend(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ > max_name_bytes) problem_.corrupt("the names of its modules are too many or too long");
  }

  /// An object's members are tensors, or objects whose members have longer names.
  void add_members(Value object, const std::string& prefix, int depth) {
    const auto& state = content_.container(object).items;
    if (state.empty()) return;
    const auto& items = content_.container(state[0]).items;
    if (depth > pickle::max_depth) problem_.corrupt("modules that hold each other");
    spend(1 + items.size());
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const auto key = items[i], value = items[i + 1];
      if (value.kind != Kind::tensor && value.kind != Kind::object) continue;
      if (key.kind != Kind::text) problem_.corrupt("a module's member under a number instead of a name");
      auto name = prefix + std::string(content_.text(key));
      spend(name.size());
      if (value.kind == Kind::tensor) {
        add(std::move(name), value);
      } else {
        add_members(value, name + ".", depth + 1);
      }
    }
  }

  Names without_prefix() const {
    Names result;
    for (const auto& [name, view] : names_) result.emplace(name.substr(parallel_prefix.size()), view);
    return result;
  }

  const Content& content_;
  const Problem& problem_;
  Names names_;
  std::size_t spent_ = 0;
};

bool is_row_major(const TensorView& view) {
  std::int64_t step = 1;
  for (auto i = view.shape.size(); i-- > 0;) {
    if (view.shape[i] == 0) return true;
    if (view.shape[i] != 1 && view.strides[i] != step) return false;
    step *= view.shape[i];
  }
  return true;
}

std::int64_t elements_of(const TensorView& view) {
  std::int64_t count = 1;
  for (const auto extent : view.shape) count *= extent;
  return count;
}

/// The elements in row-major order; `storage` begins with the view's first one.
template <std::size_t element>
void gather(const std::byte* storage, const TensorView& view, std::byte* to) {
  const auto rank = view.shape.size();
  std::vector<std::int64_t> index(rank, 0);
  const auto columns = view.shape.back(), step = view.strides.back() * static_cast<std::int64_t>(element);
  for (auto left = elements_of(view); left > 0; left -= columns) {
    for (std::int64_t k = 0; k < columns; ++k, to += element) std::memcpy(to, storage + k * step, element);
    for (auto axis = rank - 1; axis-- > 0;) {
      storage += view.strides[axis] * static_cast<std::int64_t>(element);
      if (++index[axis] < view.shape[axis]) break;
      storage -= view.shape[axis] * view.strides[axis] * static_cast<std::int64_t>(element);
      index[axis] = 0;
    }
  }
}

/// Tensors as they are asked for: views of the mapped file, or copies where a view is not row-major.
class Entries {
 public:
  Entries(const Contained& file, std::shared_ptr<MappedFile> mapping, const Problem& problem)
      : file_(file), mapping_(std::move(mapping)), budget_(2 * mapping_->bytes().size()), problem_(problem) {}

  TensorEntry entry(const std::string& name, const TensorView& view) {
    const auto dtype = file_.content.storages[view.storage].dtype;
    const auto storage = file_.storages[view.storage];
    const auto element = size_of(dtype), count = static_cast<std::size_t>(elements_of(view));
    const auto from = static_cast<std::size_t>(view.offset) * element;
    if (is_row_major(view)) return {dtype, view.shape, storage.subspan(from, count * element), mapping_};

    auto& copy = copies_[view];
    if (!copy) {
      if (count > budget_ / element)
        problem_.corrupt("the tensor " + name +
                         " repeats elements of the file more often than the file is long");
      budget_ -= count * element;
      copy = std::make_shared<std::vector<std::byte>>(count * element);
      gather(storage.data() + from, view, copy->data(), element);
    }
    return {dtype, view.shape, *copy, copy};
  }

 private:
  static void gather(const std::byte* from, const TensorView& view, std::byte* to, std::size_t element) {
    if (element == 1) return beeld::gather<1>(from, view, to);
    if (element == 2) return beeld::gather<2>(from, view, to);
    if (element == 4) return beeld::gather<4>(from, view, to);
    return beeld::gather<8>(from, view, to);
  }

  const Contained& file_;
  std::shared_ptr<MappedFile> mapping_;
  std::size_t budget_;
  const Problem& problem_;
  std::map<TensorView, std::shared_ptr<std::vector<std::byte>>> copies_;
};

Contained read_form(std::span<std::byte> bytes, const Problem& problem) {
  const auto text = text_of(bytes);
  if (text.starts_with("PK")) return TorchArchive(bytes, problem).read();
  if (text.starts_with(stream_start)) return TorchStream(bytes, problem).read();
  problem.corrupt("neither a zip archive nor a stream that torch.save writes; it has " +
                  std::to_string(bytes.size()) + " bytes");
}

}  // namespace

PickledFile::PickledFile(const std::filesystem::path& path) : mapping_(std::make_shared<MappedFile>(path)) {
  const auto file = path.string();
  const Problem problem{file};
  const auto contained = read_form(mapping_->bytes(), problem);
  header_ = contained.header;
  Entries entries(contained, mapping_, problem);
  for (const auto& [name, view] : StateDict(contained.content, problem).names())
    tensors_.emplace(name, entries.entry(name, *view));
}

bool has_pickled_name(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 5> endings{".bin", ".pt", ".pth", ".ckpt", ".pkl"};
  return std::ranges::find(endings, file.extension().string()) != endings.end();
}

}  // namespace beeld
