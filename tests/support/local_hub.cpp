#include "tests/support/local_hub.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/base/digest.h"

namespace beeld::testing {

namespace {

void add_integer(std::string& text, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::uint32_t crc32_of(const std::string& content) {
  std::uint32_t crc = ~0U;
  for (const char c : content) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

bool is_large(const std::string& name) {
  constexpr std::array<const char*, 6> endings{".safetensors", ".bin", ".pt", ".h5", ".msgpack", ".model"};
  return std::ranges::any_of(endings, [&](const char* ending) { return name.ends_with(ending); });
}

}  // namespace

std::string sha256_of(const std::string& content) {
  Digest digest;
  digest.add(content);
  return digest.hex();
}

std::string git_blob_of(const std::string& content) {
  Digest digest(HashFunction::sha1);
  digest.add("blob " + std::to_string(content.size()) + std::string(1, '\0') + content);
  return digest.hex();
}

std::string gzipped(const std::string& content) {
  constexpr std::size_t longest_block = 65535;
  std::string text("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  for (std::size_t at = 0; at == 0 || at < content.size(); at += longest_block) {
    const auto block = content.substr(at, longest_block);
    const auto size = static_cast<std::uint32_t>(block.size());
    text += at + longest_block >= content.size() ? '\1' : '\0';
    add_integer(text, size, 2);
    add_integer(text, ~size, 2);
    text += block;
  }
  add_integer(text, crc32_of(content), 4);
  add_integer(text, static_cast<std::uint32_t>(content.size()), 4);
  return text;
}

std::string LocalHub::listing() const {
  nlohmann::json siblings = nlohmann::json::array();
  for (const auto& [name, content] : files) {
    nlohmann::json file{{"rfilename", name}, {"size", content.size()}, {"blobId", git_blob_of(content)}};
    if (is_large(name)) file["lfs"] = {{"sha256", sha256_of(content)}};
    siblings.push_back(file);
  }
  return nlohmann::json{{"id", repository}, {"sha", commit}, {"siblings", siblings}}.dump();
}

HttpReply LocalHub::answer(const HttpRequestSeen& request) const {
  if (request.path == "/api/models/" + repository + "/revision/" + revision + "?blobs=true") {
    const auto accepted = request.headers.find("accept-encoding");
    if (accepted == request.headers.end() || accepted->second.find("gzip") == std::string::npos)
      return {.body = listing(), .headers = {}, .drop_after = {}};
    return {.body = gzipped(listing()), .headers = {{"Content-Encoding", "gzip"}}, .drop_after = {}};
  }
  const std::string prefix = "/" + repository + "/resolve/" + commit + "/";
  const auto file =
      request.path.starts_with(prefix) ? files.find(request.path.substr(prefix.size())) : files.end();
  if (file != files.end()) return ranged(request, file->second);
  return {.status = 404, .body = "no", .headers = {}, .drop_after = {}};
}

}  // namespace beeld::testing
