#include "multimodal/hub/http.h"

#include <beeld/error.h>
#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <memory>

namespace beeld {

namespace {

constexpr long max_redirects = 8;
constexpr long slowest_bytes_a_second = 100;

struct CurlCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

/// What the callbacks of one transfer share.
struct Transfer {
  const HttpRequest& request;
  CURL* handle;
  std::uint64_t position = 0;
  std::uint64_t range_start = 0;  ///< From the Content-Range header of the current response.
  bool has_range = false;
  bool started = false;
  std::string error_code = {};
  std::exception_ptr failure;  ///< An exception cannot pass through libcurl.

  long status() const {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  bool is_page() const {
    const char* type = nullptr;
    curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type);
    constexpr std::string_view page = "text/html";
    return type != nullptr && curl_strnequal(type, page.data(), page.size()) != 0;
  }

  /// Places the body's first byte.
  void start() {
    started = true;
    if (status() != 206) return;
    if (!has_range) throw Error(ErrorCode::corrupt, "[http] " + request.url + ": a part without its place");
    position = range_start;
  }
};

bool same_name(std::string_view line, std::string_view name) {
  return line.size() >= name.size() && curl_strnequal(line.data(), name.data(), name.size()) != 0;
}

/// The value of a header line with this name (and its colon), without blanks around it.
std::string_view value_of(std::string_view line, std::string_view name) {
  line.remove_prefix(name.size());
  const auto first = line.find_first_not_of(" \t");
  const auto last = line.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? "" : line.substr(first, last - first + 1);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size);
  constexpr std::string_view content_range = "content-range:", error_code = "x-error-code:";
  if (line.starts_with("HTTP/")) {  // The next response of a redirect chain.
    transfer.has_range = false;
    transfer.error_code.clear();
  }
  if (same_name(line, error_code)) transfer.error_code = value_of(line, error_code);
  if (!same_name(line, content_range)) return size;
  const auto digit = line.find_first_of("0123456789", content_range.size());
  if (digit == std::string_view::npos) return size;
  line.remove_prefix(digit);
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), transfer.range_start);
  transfer.has_range = parsed.ec == std::errc();
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto status = transfer.status();
  if ((status != 200 && status != 206) || transfer.is_page()) return size;
  try {
    if (!transfer.started) transfer.start();
    transfer.request.body(transfer.position, {data, size});
    transfer.position += size;
    return size;
  } catch (...) {
    transfer.failure = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

int on_tick(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.request.tick || transfer.failure) return 0;
  try {
    transfer.request.tick();
    return 0;
  } catch (...) {
    transfer.failure = std::current_exception();
    return 1;
  }
}

void set_options(CURL* handle, const HttpRequest& request, Transfer& transfer, char* reason) {
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "beeld");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);

  const bool secure = request.url.starts_with("https:");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, max_redirects);
  if (!request.token.empty()) {
    // libcurl sends credentials to the first host only (CURLOPT_UNRESTRICTED_AUTH is off).
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, request.token.c_str());
  }
  if (request.offset > 0) {
    curl_easy_setopt(handle, CURLOPT_RANGE, (std::to_string(request.offset) + "-").c_str());
  }
  if (request.encoding == Encoding::gzip) curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.timeouts.connect.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, slowest_bytes_a_second);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.timeouts.stall.count()));

  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_tick);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
}

HttpOutcome outcome_of(CURLcode code, CURL* handle) {
  curl_off_t connected = 0;
  switch (code) {
    case CURLE_OK:
      return HttpOutcome::answered;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return HttpOutcome::unreachable;
    case CURLE_OPERATION_TIMEDOUT:
      curl_easy_getinfo(handle, CURLINFO_CONNECT_TIME_T, &connected);
      return connected > 0 ? HttpOutcome::interrupted : HttpOutcome::unreachable;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return HttpOutcome::interrupted;
    default:
      return HttpOutcome::refused;
  }
}

}  // namespace

HttpResponse http_get(const HttpRequest& request) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CurlCleanup> handle(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  if (!handle) return {HttpOutcome::refused, 0, "libcurl could not start"};

  Transfer transfer{.request = request, .handle = handle.get(), .failure = {}};
  char reason[CURL_ERROR_SIZE] = "";
  set_options(handle.get(), request, transfer, reason);
  const auto code = curl_easy_perform(handle.get());
  if (transfer.failure) std::rethrow_exception(transfer.failure);

  HttpResponse response;
  response.outcome = outcome_of(code, handle.get());
  response.status = transfer.status();
  response.is_page = transfer.is_page();
  response.error_code = std::move(transfer.error_code);
  curl_off_t seconds = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RETRY_AFTER, &seconds);
  response.retry_after = std::chrono::seconds(std::max<curl_off_t>(seconds, 0));
  if (code != CURLE_OK) response.reason = *reason ? reason : curl_easy_strerror(code);
  return response;
}

}  // namespace beeld
