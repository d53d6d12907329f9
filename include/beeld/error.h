#pragma once

#include <stdexcept>
#include <string>

namespace beeld {

/// What kind of thing went wrong. Callers may branch on it; people read the message.
enum class ErrorCode {
  not_found,         ///< A file, folder, tensor or name does not exist.
  corrupt,           ///< The content of a file contradicts its format.
  unsupported,       ///< Valid, but something this version does not do; the message names it.
  invalid_argument,  ///< The caller passed something that cannot be right.
  limit,             ///< A size limit was exceeded (pixels, lengths, memory).
  io,                ///< The system refused to read, write or connect.
};

/// The one way in which beeld fails. The library never prints, aborts or exits.
///
/// The message names the operation, what was expected and what came, for example
/// `[safetensors] model.safetensors: header is 12 bytes, but claims 4096`.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace beeld
