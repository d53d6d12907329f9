#include "core/format/unpickler.h"

#include "core/base/text.h"
#include "core/format/pickle_names.h"

#include <beeld/error.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <span>

namespace beeld::pickle {

namespace {

constexpr int lowest_protocol = 2, highest_protocol = 5;  // torch writes 2, unless it is asked for others
constexpr std::size_t max_stack = std::size_t{1} << 18;
constexpr std::size_t max_containers = std::size_t{1} << 18;
constexpr std::size_t max_tensors = std::size_t{1} << 16;
constexpr std::size_t max_rank = 16;
constexpr std::int64_t max_elements = std::int64_t{1} << 40;

class Unpickler {
 public:
  Unpickler(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Content run() {
    for (std::size_t steps = 0; steps < max_steps; ++steps) {
      code_ = take<std::uint8_t>();
      if (static_cast<Opcode>(code_) == Opcode::stop) return finish();
      step(static_cast<Opcode>(code_));
    }
    limit("more than " + std::to_string(max_steps) + " opcodes");
  }

 private:
  void step(Opcode code) {
    switch (code) {
      case Opcode::none:
        return push({Kind::none, 0});
      case Opcode::new_true:
        return push({Kind::boolean, 1});
      case Opcode::new_false:
        return push({Kind::boolean, 0});
      case Opcode::int4:
        return push({Kind::integer, take<std::int32_t>()});
      case Opcode::int1:
        return push({Kind::integer, take<std::uint8_t>()});
      case Opcode::int2:
        return push({Kind::integer, take<std::uint16_t>()});
      case Opcode::long1:
        return push({Kind::integer, long_integer()});
      case Opcode::real:
        take_text(sizeof(double));
        return push({Kind::real, 0});
      case Opcode::unicode:
        return push_text(take<std::uint32_t>());
      case Opcode::unicode1:
        return push_text(take<std::uint8_t>());
      case Opcode::mark:
        if (marks_.size() == static_cast<std::size_t>(max_depth)) too_deep();
        return marks_.push_back(stack_.size());
      case Opcode::empty_tuple:
        return push_container(Kind::tuple, 0);
      case Opcode::tuple1:
        return push_container(Kind::tuple, 1);
      case Opcode::tuple2:
        return push_container(Kind::tuple, 2);
      case Opcode::tuple3:
        return push_container(Kind::tuple, 3);
      case Opcode::tuple:
        return push_container(Kind::tuple, close_mark());
      case Opcode::empty_list:
        return push_container(Kind::list, 0);
      case Opcode::empty_dict:
        return push_container(Kind::dict, 0);
      case Opcode::append:
        return extend(Kind::list, 1);
      case Opcode::appends:
        return extend(Kind::list, close_mark());
      case Opcode::set_item:
        return extend(Kind::dict, 2);
      case Opcode::set_items:
        return extend(Kind::dict, close_mark());
      case Opcode::global: {
        const auto module = take_line();
        return push_global(module, take_line());
      }
      case Opcode::stack_global:
        return push_stack_global();
      case Opcode::persistent_id:
        return push_storage();
      case Opcode::reduce:
        return reduce();
      case Opcode::new_object:
        return new_object();
      case Opcode::build:
        return build();
      case Opcode::get1:
        return get(take<std::uint8_t>());
      case Opcode::get4:
        return get(take<std::uint32_t>());
      case Opcode::put1:
        return put(take<std::uint8_t>());
      case Opcode::put4:
        return put(take<std::uint32_t>());
      case Opcode::memoize:
        return put(memo_.size());
      case Opcode::protocol:
        if (at_ != 1) corrupt("PROTO in the middle");
        return check_protocol(take<std::uint8_t>());
      case Opcode::frame:
        if (take<std::uint64_t>() > bytes_.size() - at_) corrupt("a FRAME that is longer than the pickle");
        return;
      case Opcode::stop:
        break;
    }
    unsupported("the opcode " + name_of_opcode(code_) + ", which no tensor needs");
  }

  void check_protocol(int protocol) const {
    if (protocol < lowest_protocol || protocol > highest_protocol) {
      unsupported("protocol " + std::to_string(protocol) + "; known are " + std::to_string(lowest_protocol) +
                  " to " + std::to_string(highest_protocol));
    }
  }

  // What came from the file.

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take_text(sizeof value).data(), sizeof value);
    return value;
  }

  std::string_view take_text(std::size_t size) {
    if (size > bytes_.size() - at_) {
      corrupt("it ends within or before an opcode: " + std::to_string(size) + " bytes are expected, " +
              std::to_string(bytes_.size() - at_) + " are left");
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

  /// Little-endian, in two's complement, of no fixed width.
  std::int64_t long_integer() {
    const auto digits = take_text(take<std::uint8_t>());
    if (digits.size() > sizeof(std::int64_t))
      corrupt("an integer of " + std::to_string(digits.size()) + " bytes");
    std::int64_t value = !digits.empty() && static_cast<std::int8_t>(digits.back()) < 0 ? -1 : 0;
    std::memcpy(&value, digits.data(), digits.size());
    return value;
  }

  std::string_view take_line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) corrupt("it ends within the name of a global");
    const auto line = take_text(end - at_);
    ++at_;
    return line;
  }

  // The stack.

  void push(Value value) {
    if (stack_.size() == max_stack) limit("more than " + std::to_string(max_stack) + " values on the stack");
    stack_.push_back(value);
  }

  /// That the topmost `count` values are there, above the last mark.
  void need(std::size_t count) const {
    const auto floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor < count) {
      corrupt(name_of_opcode(code_) + " takes " + std::to_string(count) + " values, the stack has " +
              std::to_string(stack_.size() - floor));
    }
  }

  Value pop() {
    need(1);
    const auto value = stack_.back();
    stack_.pop_back();
    return value;
  }

  /// How many values stand above the last mark, which is gone then.
  std::size_t close_mark() {
    if (marks_.empty()) corrupt(name_of_opcode(code_) + " without a MARK");
    const auto count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }

  void get(std::uint32_t index) {
    if (index >= memo_.size()) corrupt("the memo has no entry " + std::to_string(index));
    push(memo_[index]);
  }

  /// Entries are numbered as they come, by every pickler.
  void put(std::size_t index) {
    need(1);
    if (index > memo_.size()) {
      corrupt("the memo's entry " + std::to_string(index) + " comes after " + std::to_string(memo_.size()) +
              " others");
    }
    if (index == memo_.size()) memo_.emplace_back();
    memo_[index] = stack_.back();
  }

  // Containers.

  void push_container(Kind kind, std::size_t count) {
    need(count);
    auto& all = content_.containers;
    if (all.size() == max_containers) limit("more than " + std::to_string(max_containers) + " containers");
    const Value value{kind, static_cast<std::int64_t>(all.size())};
    all.push_back({kind, 1, {}});
    put_into(value, count);
    push(value);
  }

  /// Moves the topmost `count` values into a container.
  void put_into(Value container, std::size_t count) {
    auto& into = content_.containers[static_cast<std::size_t>(container.number)];
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    for (const auto item : std::span(first, stack_.end())) {
      if (!is_container(item)) continue;
      if (item.number == container.number) corrupt("a container that holds itself");
      into.depth = std::max(into.depth, content_.container(item).depth + 1);
    }
    if (into.depth > max_depth) too_deep();
    into.items.insert(into.items.end(), first, stack_.end());
    stack_.erase(first, stack_.end());
  }

  void extend(Kind kind, std::size_t count) {
    need(count + 1);
    const auto container = stack_[stack_.size() - count - 1];
    if (container.kind != kind)
      corrupt(name_of_opcode(code_) + " into what is no " + (kind == Kind::list ? "list" : "dict"));
    if (kind == Kind::dict) {
      if (count % 2 != 0) corrupt("a dict's key without a value");
      for (std::size_t i = stack_.size() - count; i < stack_.size(); i += 2) {
        if (stack_[i].kind != Kind::text && stack_[i].kind != Kind::integer)
          corrupt("a dict's key that is neither a text nor an integer");
      }
    }
    put_into(container, count);
  }

  static bool is_container(Value value) {
    return value.kind == Kind::tuple || value.kind == Kind::list || value.kind == Kind::dict ||
           value.kind == Kind::object;
  }

  void push_text(std::size_t size) {
    const auto text = take_text(size);
    if (!is_utf8(text)) corrupt("the text " + excerpt(text) + " is not UTF-8");
    push({Kind::text, static_cast<std::int64_t>(content_.texts.size())});
    content_.texts.push_back(text);
  }

  // What is asked for by name, and what is made of it.

  void push_stack_global() {
    const auto name = pop(), module = pop();
    if (name.kind != Kind::text || module.kind != Kind::text) corrupt("STACK_GLOBAL of what is no name");
    push_global(content_.text(module), content_.text(name));
  }

  void push_global(std::string_view module, std::string_view name) {
    const auto known = find_global(module, name);
    if (!known) {
      unsupported("the global " + excerpt(module) + "." + excerpt(name) +
                  ", which is not one of those that rebuild tensors");
    }
    push({Kind::global, static_cast<std::int64_t>(globals_.size())});
    globals_.push_back(*known);
  }

  const KnownGlobal* global_of(Value value) const {
    return value.kind == Kind::global ? &globals_[static_cast<std::size_t>(value.number)] : nullptr;
  }

  /// The persistent id ("storage", type, key, device, size), before torch 1.6 followed by None or by the
  /// part of the storage (its key, offset, size) that is meant.
  void push_storage() {
    const auto id = pop();
    const auto wrong = [&] { corrupt("a persistent id that is not a storage's"); };
    if (id.kind != Kind::tuple) wrong();
    const auto& items = content_.container(id).items;
    if (items.size() < 5 || items.size() > 6) wrong();
    const auto* type = global_of(items[1]);
    if (items[0].kind != Kind::text || content_.text(items[0]) != "storage" || !type ||
        type->what != Global::storage || items[2].kind != Kind::text || items[3].kind != Kind::text ||
        items[4].kind != Kind::integer || items[4].number < 0)
      wrong();
    const Storage storage{content_.text(items[2]), type->dtype, items[4].number};
    Part part{storage_index(storage), 0, storage.size};
    if (items.size() == 6 && items[5].kind != Kind::none) {
      if (items[5].kind != Kind::tuple) wrong();
      const auto& view = content_.container(items[5]).items;
      if (view.size() != 3 || view[1].kind != Kind::integer || view[2].kind != Kind::integer) wrong();
      part.offset = view[1].number;
      part.size = view[2].number;
      if (part.offset < 0 || part.size < 0 || part.offset > storage.size ||
          part.size > storage.size - part.offset)
        corrupt("a part of storage " + excerpt(storage.key) + " that lies outside of it");
    }
    push({Kind::storage, static_cast<std::int64_t>(parts_.size())});
    parts_.push_back(part);
  }

  std::size_t storage_index(const Storage& storage) {
    const auto [known, fresh] = by_key_.emplace(storage.key, content_.storages.size());
    if (fresh) content_.storages.push_back(storage);
    const auto& first = content_.storages[known->second];
    if (first.dtype != storage.dtype || first.size != storage.size)
      corrupt("the storage " + excerpt(storage.key) + " is described in two ways");
    return known->second;
  }

  void reduce() {
    const auto arguments = pop(), callee = pop();
    const auto* global = global_of(callee);
    if (!global || arguments.kind != Kind::tuple) corrupt("REDUCE of what is no global and its arguments");
    const auto& items = content_.container(arguments).items;
    switch (global->what) {
      case Global::ordered_dict:
        if (!items.empty()) unsupported("an OrderedDict that is not made empty");
        return push_container(Kind::dict, 0);
      case Global::rebuild_tensor:
        return push_tensor(items, 4);
      case Global::rebuild_tensor_v2:
        return push_tensor(items, 6);
      case Global::rebuild_parameter:
        if (items.size() != 3 || items[0].kind != Kind::tensor)
          corrupt("_rebuild_parameter of what is no tensor");
        return push(items[0]);
      case Global::storage:
      case Global::script_class:
        unsupported("a call of what is only a name: a storage's type or the class of a scripted module");
    }
  }

  /// (storage, offset, sizes, strides), and what training needs: whether it has a gradient, and its hooks.
  void push_tensor(const std::vector<Value>& items, std::size_t count) {
    if (items.size() != count || items[0].kind != Kind::storage || items[1].kind != Kind::integer)
      corrupt("a tensor of other arguments than a storage, an offset, sizes and strides");
    if (content_.tensors.size() == max_tensors)
      limit("more than " + std::to_string(max_tensors) + " tensors");
    const auto& part = parts_[static_cast<std::size_t>(items[0].number)];
    TensorView view{part.storage, items[1].number, integers(items[2]), integers(items[3])};
    check_within(view, part.size);
    view.offset += part.offset;
    push({Kind::tensor, static_cast<std::int64_t>(content_.tensors.size())});
    content_.tensors.push_back(std::move(view));
  }

  std::vector<std::int64_t> integers(Value tuple) const {
    std::vector<std::int64_t> values;
    if (tuple.kind != Kind::tuple) corrupt("a tensor whose sizes or strides are no tuple");
    const auto& items = content_.container(tuple).items;
    if (items.size() > max_rank) corrupt("a tensor of " + std::to_string(items.size()) + " dimensions");
    for (const auto item : items) {
      if (item.kind != Kind::integer || item.number < 0)
        corrupt("a tensor with a size or a stride that is no number from 0");
      values.push_back(item.number);
    }
    return values;
  }

  void check_within(const TensorView& view, std::int64_t size) const {
    const auto& key = content_.storages[view.storage].key;
    if (view.shape.size() != view.strides.size()) {
      corrupt("a tensor of " + std::to_string(view.shape.size()) + " sizes and " +
              std::to_string(view.strides.size()) + " strides");
    }
    std::int64_t elements = 1, last = view.offset;
    bool fits = view.offset >= 0, empty = false;
    for (std::size_t i = 0; i < view.shape.size() && fits; ++i) {
      const auto extent = view.shape[i];
      std::int64_t reach = 0;
      fits = !__builtin_mul_overflow(elements, std::max<std::int64_t>(extent, 1), &elements) &&
             elements <= max_elements &&
             !__builtin_mul_overflow(std::max<std::int64_t>(extent - 1, 0), view.strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
      empty = empty || extent == 0;
    }
    if (!fits || (empty ? view.offset > size : last >= size)) {
      corrupt("a tensor reaches outside of its storage " + excerpt(key) + ", which has " +
              std::to_string(size) + " elements");
    }
  }

  void new_object() {
    const auto arguments = pop(), type = pop();
    const auto* global = global_of(type);
    if (!global || global->what != Global::script_class || arguments.kind != Kind::tuple ||
        !content_.container(arguments).items.empty())
      unsupported("a NEWOBJ of what is not the class of a scripted module, without arguments");
    push_container(Kind::object, 0);
  }

  /// A scripted module's members; what an OrderedDict has besides its items (_metadata) is of no use.
  void build() {
    need(2);
    const auto state = stack_.back(), target = stack_[stack_.size() - 2];
    const bool fresh = target.kind == Kind::object && content_.container(target).items.empty();
    if (state.kind != Kind::dict || (target.kind != Kind::dict && !fresh))
      unsupported("a BUILD other than of a dict or a scripted module, by a dict");
    if (target.kind == Kind::object) return put_into(target, 1);
    pop();
  }

  Content finish() {
    if (!marks_.empty() || stack_.size() != 1) {
      corrupt("STOP with " + std::to_string(stack_.size()) + " values and " + std::to_string(marks_.size()) +
              " marks on the stack, not with one value");
    }
    content_.root = stack_.back();
    content_.bytes = at_;
    return std::move(content_);
  }

  [[noreturn]] void fail(ErrorCode code, const std::string& fact) const {
    throw Error(code,
                "[pickle] " + file_ + ": " + fact + " (at byte " + std::to_string(at_) + " of the pickle)");
  }
  [[noreturn]] void corrupt(const std::string& fact) const { fail(ErrorCode::corrupt, fact); }
  [[noreturn]] void unsupported(const std::string& what) const {
    fail(ErrorCode::unsupported, "refused is " + what);
  }
  [[noreturn]] void limit(const std::string& fact) const { fail(ErrorCode::limit, fact); }
  [[noreturn]] void too_deep() const { limit("nested deeper than " + std::to_string(max_depth)); }

  struct Part {
    std::size_t storage = 0;
    std::int64_t offset = 0;
    std::int64_t size = 0;
  };

  std::string_view bytes_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::uint8_t code_ = 0;
  Content content_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Value> memo_;
  std::vector<KnownGlobal> globals_;
  std::vector<Part> parts_;
  std::map<std::string_view, std::size_t> by_key_;
};

}  // namespace

Content unpickle(std::string_view bytes, const std::string& file) { return Unpickler(bytes, file).run(); }

}  // namespace beeld::pickle
