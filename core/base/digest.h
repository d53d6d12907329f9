#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace beeld {

/// The hash functions of FIPS 180-4 that are needed; sha1 is for git's object names only.
enum class HashFunction { sha256, sha1 };

/// A cryptographic hash over bytes given in pieces, by OpenSSL.
class Digest {
 public:
  explicit Digest(HashFunction function = HashFunction::sha256);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }

  /// The digest as lower-case hex digits, 64 for sha256 and 40 for sha1. Nothing may be added afterwards.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beeld
