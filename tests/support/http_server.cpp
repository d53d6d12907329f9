#include "tests/support/http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace beeld::testing {

namespace {

constexpr std::chrono::milliseconds slice{20};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

HttpRequestSeen parse(const std::string& head) {
  HttpRequestSeen request;
  std::istringstream lines(head);
  std::string method;
  lines >> method >> request.path;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    auto value = line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.pop_back();
    request.headers[lower(line.substr(0, colon))] = value;
  }
  return request;
}

void send_all(int client, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

std::size_t HttpRequestSeen::range_start() const {
  const auto range = headers.find("range");
  return range == headers.end() ? 0 : std::stoull(range->second.substr(range->second.find('=') + 1));
}

HttpReply ranged(const HttpRequestSeen& request, const std::string& body) {
  const auto start = request.range_start();
  if (start == 0) return {.body = body, .headers = {}, .drop_after = {}};
  if (start >= body.size()) return {.status = 416, .body = {}, .headers = {}, .drop_after = {}};
  const auto range = "bytes " + std::to_string(start) + "-" + std::to_string(body.size() - 1) + "/" +
                     std::to_string(body.size());
  return {.status = 206, .body = body.substr(start), .headers = {{"Content-Range", range}}, .drop_after = {}};
}

struct HttpServer::State {
  Handler handler;
  int listener = -1;
  int port = 0;
  std::atomic<bool> stopping{false};
  std::thread acceptor;
  std::vector<std::thread> workers;  ///< Of the acceptor's thread until it has ended.
  mutable std::mutex mutex;
  std::vector<HttpRequestSeen> requests;

  void accept_all() {
    while (true) {
      const int client = ::accept(listener, nullptr, nullptr);
      if (client < 0) return;
      workers.emplace_back([this, client] {
        serve(client);
        ::close(client);
      });
    }
  }

  void serve(int client) {
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const auto count = ::recv(client, buffer, sizeof buffer, 0);
      if (count <= 0) return;
      head.append(buffer, static_cast<std::size_t>(count));
    }
    const auto request = parse(head);
    {
      const std::lock_guard lock(mutex);
      requests.push_back(request);
    }
    reply(client, handler(request));
  }

  void reply(int client, const HttpReply& reply) const {
    const bool chunked = reply.framing == Framing::chunked;
    std::string text =
        "HTTP/1.1 " + std::to_string(reply.status) + " Reply\r\nConnection: close\r\n" +
        (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(reply.body.size())) +
        "\r\n";
    for (const auto& [name, value] : reply.headers)
      text.append(name).append(": ").append(value).append("\r\n");
    send_all(client, text + "\r\n");
    const std::string_view body = reply.body;
    const auto first = std::min(reply.drop_after.value_or(body.size()), body.size());
    send_pieces(client, reply, body.substr(0, first));
    if (first < body.size() && reply.stall.count() == 0) return;
    wait(reply.stall);
    send_pieces(client, reply, body.substr(first));
    if (chunked) send_all(client, "0\r\n\r\n");
  }

  void send_pieces(int client, const HttpReply& reply, std::string_view body) const {
    for (std::size_t i = 0; !body.empty() && !stopping; ++i) {
      const auto size = reply.pieces.empty() ? body.size() : reply.pieces[i % reply.pieces.size()];
      const auto piece = body.substr(0, size);
      if (reply.framing == Framing::chunked) {
        std::ostringstream length;
        length << std::hex << piece.size() << "\r\n";
        send_all(client, length.str());
      }
      send_all(client, piece);
      if (reply.framing == Framing::chunked) send_all(client, "\r\n");
      body.remove_prefix(piece.size());
      if (!body.empty()) wait(reply.pause);
    }
  }

  void wait(std::chrono::milliseconds time) const {
    for (; time.count() > 0 && !stopping; time -= slice) std::this_thread::sleep_for(std::min(time, slice));
  }
};

HttpServer::HttpServer(Handler handler) : state_(std::make_unique<State>()) {
  state_->handler = std::move(handler);
  state_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (state_->listener < 0 || ::bind(state_->listener, generic, length) != 0 ||
      ::listen(state_->listener, 16) != 0 || ::getsockname(state_->listener, generic, &length) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  state_->port = ntohs(address.sin_port);
  state_->acceptor = std::thread([state = state_.get()] { state->accept_all(); });
}

HttpServer::~HttpServer() {
  state_->stopping = true;
  ::shutdown(state_->listener, SHUT_RDWR);
  state_->acceptor.join();
  for (auto& worker : state_->workers) worker.join();
  ::close(state_->listener);
}

std::string HttpServer::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }

std::vector<HttpRequestSeen> HttpServer::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

}  // namespace beeld::testing
