#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace beeld {

struct HttpTimeouts {
  std::chrono::milliseconds connect{20000};
  std::chrono::seconds stall{60};  ///< A transfer slower than 100 bytes a second for so long is given up.
};

/// How a body may travel. `body` gets it decoded; what is resumed has to travel as it is.
enum class Encoding { identity, gzip };

/// A GET request over http or https; redirects are followed, but never from https to http.
struct HttpRequest {
  std::string url;
  std::string token;         ///< Sent as a bearer token, to the url's own host only; may be empty.
  std::uint64_t offset = 0;  ///< The first byte wanted.
  Encoding encoding = Encoding::identity;
  HttpTimeouts timeouts;

  /// Gets the body of an answer of status 200 or 206, unless it is a web page, piece by piece. `position` is
  /// where the piece lies in the whole; a server that does not resume begins at 0 again. May throw, which
  /// ends the transfer.
  std::function<void(std::uint64_t position, std::string_view piece)> body;

  /// Called about once a second or more often while the transfer lasts; may be empty, may throw.
  std::function<void()> tick;
};

/// How a request ended.
enum class HttpOutcome {
  answered,     ///< There is a status, and with status 200 or 206 the whole body.
  unreachable,  ///< No connection to the host.
  interrupted,  ///< The connection broke or stalled; another attempt may succeed.
  refused,      ///< Another attempt would end the same: bad certificate, forbidden protocol, redirect loop.
};

struct HttpResponse {
  HttpOutcome outcome = HttpOutcome::answered;
  long status = 0;
  std::string reason;                   ///< For people, where there is no answer.
  bool is_page = false;                 ///< The answer is of type text/html: a login page, say.
  std::string error_code = {};          ///< The header X-Error-Code, by which a hub tells refusals apart.
  std::chrono::seconds retry_after{0};  ///< The header Retry-After, as a time from now; 0 without one.
};

/// Performs one request. Throws only what `body` and `tick` throw.
HttpResponse http_get(const HttpRequest& request);

}  // namespace beeld
