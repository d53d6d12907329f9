#include "core/base/digest.h"

#include <beeld/error.h>
#include <openssl/evp.h>

#include <array>

namespace beeld {

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

namespace {

void check(bool done) {
  if (!done) throw Error(ErrorCode::limit, "[digest] OpenSSL could not compute a digest");
}

}  // namespace

Digest::Digest(HashFunction function) : state_(std::make_unique<State>()) {
  const EVP_MD* algorithm = function == HashFunction::sha1 ? EVP_sha1() : EVP_sha256();
  check(state_->context && EVP_DigestInit_ex(state_->context, algorithm, nullptr) == 1);
}

Digest::~Digest() = default;

void Digest::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  check(EVP_DigestFinal_ex(state_->context, digest.data(), &length) == 1);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : std::span(digest).first(length)) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace beeld
