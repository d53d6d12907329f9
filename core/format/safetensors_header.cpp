#include "core/format/safetensors_header.h"

#include <beeld/error.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace beeld::safetensors {

namespace {

constexpr std::size_t max_rank = 16;

/// Receives the header's JSON events. Every event has one place where it may occur.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  Header take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::start:
        place_ = Place::header;
        break;
      case Place::tensor_value:
        place_ = Place::tensor;
        break;
      case Place::metadata_value:
        place_ = Place::metadata;
        break;
      default:
        refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (fields_.size() != 3) corrupt("tensor " + name_ + " lacks its dtype, shape or data_offsets");
      header_.tensors.emplace(name_, std::move(entry_));
    }
    place_ = place_ == Place::header ? Place::start : Place::header;
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::header) {
      if (!names_.insert(key).second) corrupt("the name " + key + " occurs twice");
      name_ = key;
      entry_ = {};
      fields_.clear();
      place_ = key == "__metadata__" ? Place::metadata_value : Place::tensor_value;
      return true;
    }
    if (place_ == Place::metadata) {
      if (header_.metadata.contains(key)) corrupt("the metadata key " + key + " occurs twice");
      metadata_key_ = key;
      return true;
    }
    if (!fields_.insert(key).second) corrupt("tensor " + name_ + " gives its " + key + " twice");
    if (key == "dtype")
      place_ = Place::dtype_value;
    else if (key == "shape")
      place_ = Place::shape_value;
    else if (key == "data_offsets")
      place_ = Place::offsets_value;
    else
      corrupt("tensor " + name_ + " has the unknown field " + key);
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape_value)
      place_ = Place::shape;
    else if (place_ == Place::offsets_value)
      place_ = Place::offsets;
    else
      refuse("an array");
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2) {
      corrupt("tensor " + name_ + ": expected 2 data_offsets, got " + std::to_string(offsets_));
    }
    place_ = Place::tensor;
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(metadata_key_, value);
    } else if (place_ == Place::dtype_value) {
      entry_.dtype = value;
      place_ = Place::tensor;
    } else {
      refuse("a string");
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
          entry_.shape.size() == max_rank) {
        corrupt("tensor " + name_ + " has a shape out of range");
      }
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::offsets) {
      if (++offsets_ > 2) corrupt("tensor " + name_ + " has more than 2 data_offsets");
      (offsets_ == 1 ? entry_.begin : entry_.end) = value;
    } else {
      refuse("a number");
    }
    return true;
  }

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { refuse("a number that is not an integer"); }
  bool binary(binary_t&) override { refuse("binary data"); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    corrupt("the header is not JSON: " + std::string(error.what()).substr(0, 200));
  }

 private:
  enum class Place {
    start,
    header,
    tensor_value,
    tensor,
    dtype_value,
    shape_value,
    shape,
    offsets_value,
    offsets,
    metadata_value,
    metadata
  };

  [[noreturn]] void corrupt(const std::string& fact) const {
    throw Error(ErrorCode::corrupt, "[safetensors] " + file_ + ": " + fact);
  }

  [[noreturn]] void refuse(const char* what) const {
    corrupt("the header has " + std::string(what) + " where it cannot be" +
            (name_.empty() ? std::string() : ", at " + name_));
  }

  const std::string& file_;
  Header header_;
  Place place_ = Place::start;
  std::set<std::string> names_;
  std::set<std::string> fields_;
  std::string name_;
  std::string metadata_key_;
  HeaderEntry entry_;
  int offsets_ = 0;
};

}  // namespace

Header parse_header(std::string_view text, const std::string& file) {
  HeaderReader reader(file);
  // A byte-order mark, which the JSON parser would skip, is no part of the format.
  if (!text.starts_with('{')) {
    throw Error(ErrorCode::corrupt, "[safetensors] " + file + ": expected a header that begins with {");
  }
  // Nor is a zero byte, which the parser would take for the end.
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::corrupt, "[safetensors] " + file + ": the header contains a zero byte");
  }
  nlohmann::json::sax_parse(text, &reader);
  return reader.take();
}

}  // namespace beeld::safetensors
