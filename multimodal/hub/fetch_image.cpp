#include "multimodal/hub/fetch_image.h"

#include <beeld/error.h>

#include "multimodal/hub/http.h"

namespace beeld {

namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 31;  // as of a picture's file

}  // namespace

std::string fetch_image(const std::string& address) {
  const auto fail = [&](ErrorCode code, const std::string& what) {
    throw Error(code, "[picture] " + address + ": " + what);
  };
  std::string content;
  HttpRequest request{.url = address, .token = {}, .timeouts = {}, .body = {}, .tick = {}};
  request.body = [&](std::uint64_t position, std::string_view piece) {
    content.resize(std::min<std::uint64_t>(position, content.size()));
    if (piece.size() > most_bytes - content.size())
      fail(ErrorCode::limit, "more than " + std::to_string(most_bytes) + " bytes");
    content += piece;
  };
  const auto response = http_get(request);
  if (response.outcome != HttpOutcome::answered) fail(ErrorCode::io, "not received: " + response.reason);
  if (response.status == 404 || response.status == 410)
    fail(ErrorCode::not_found, "the server has no such file");
  if (response.status != 200)
    fail(ErrorCode::io, "the server answered with status " + std::to_string(response.status));
  if (response.is_page) fail(ErrorCode::unsupported, "a web page, expected a picture");
  return content;
}

}  // namespace beeld
