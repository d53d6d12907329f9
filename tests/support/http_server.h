#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beeld::testing {

struct HttpRequestSeen {
  std::string path;                            ///< With the query.
  std::map<std::string, std::string> headers;  ///< Names in lower case.

  /// The first byte asked for by a Range header; 0 without one.
  std::size_t range_start() const;
};

/// How a client knows where a body ends.
enum class Framing { length, chunked };

struct HttpReply {
  int status = 200;
  std::string body;
  std::map<std::string, std::string> headers;
  std::optional<std::size_t> drop_after;  ///< The connection is closed after so many bytes of the body.
  std::chrono::milliseconds stall{0};     ///< Pause before the rest of the body, after drop_after bytes.
  Framing framing = Framing::length;
  std::vector<std::size_t> pieces = {};  ///< Bytes sent at a time, in turn from the first again; empty: all.
  std::chrono::milliseconds pause{0};    ///< Between pieces.
};

/// The part of `body` that the request asks for, with status 206, or all of it with 200.
HttpReply ranged(const HttpRequestSeen& request, const std::string& body);

/// A small HTTP/1.1 server on 127.0.0.1 that answers each request by a function, which must be thread-safe.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequestSeen&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const;  ///< http://127.0.0.1:PORT
  std::vector<HttpRequestSeen> requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beeld::testing
