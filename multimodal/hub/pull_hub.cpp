#include "multimodal/hub/pull_hub.h"

#include <beeld/error.h>

#include <algorithm>
#include <thread>

namespace beeld {

namespace {

constexpr std::size_t max_listing_bytes = 64u << 20;
constexpr std::chrono::milliseconds tick_interval{100};

// An attempt that brings so much is no failed one: a server that drips would be followed for ever.
constexpr std::uint64_t least_progress = 16 << 10;

/// A revision in an address, where a slash would end it.
std::string in_address(const std::string& revision) {
  std::string text;
  for (const char c : revision) text += c == '/' ? "%2F" : std::string(1, c);
  return text;
}

class TextReceiver : public Receiver {
 public:
  explicit TextReceiver(std::string repository) : repository_(std::move(repository)) {}

  std::uint64_t held() const override { return 0; }  // an answer to a question is asked for anew

  void write(std::uint64_t position, std::string_view piece) override {
    if (position == 0) text_.clear();
    if (text_.size() + piece.size() > max_listing_bytes) {
      throw Error(ErrorCode::limit, "[pull] " + repository_ + ": the hub's listing is longer than " +
                                        std::to_string(max_listing_bytes) + " bytes");
    }
    text_ += piece;
  }

  std::string take() { return std::move(text_); }

 private:
  std::string repository_;
  std::string text_;
};

bool may_pass(const HttpResponse& response, bool reached) {
  switch (response.outcome) {
    case HttpOutcome::answered: {
      const auto status = response.status;
      return status >= 500 || status == 408 || status == 416 || status == 429;
    }
    case HttpOutcome::unreachable:
      return reached;
    case HttpOutcome::interrupted:
      return true;
    case HttpOutcome::refused:
      return false;
  }
  return false;
}

}  // namespace

Hub::Hub(const PullSettings& settings, const HubName& name)
    : settings_(settings), name_(name), endpoint_(settings.endpoint) {
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  if (!endpoint_.starts_with("https://") && !endpoint_.starts_with("http://")) {
    throw Error(ErrorCode::invalid_argument,
                "[pull] HF_ENDPOINT: expected an http or https address, got " + settings.endpoint);
  }
}

std::string Hub::listing() {
  TextReceiver receiver(name_.text());
  const auto revision = name_.revision.empty() ? "main" : in_address(name_.revision);
  get(endpoint_ + "/api/models/" + name_.repository() + "/revision/" + revision + "?blobs=true",
      Encoding::gzip, receiver);
  return receiver.take();
}

void Hub::fetch(const std::string& revision, const std::string& file, Receiver& receiver) {
  const auto folder = name_.subfolder.empty() ? "" : name_.subfolder + "/";
  get(endpoint_ + "/" + name_.repository() + "/resolve/" + in_address(revision) + "/" + folder + file,
      Encoding::identity, receiver);
}

void Hub::get(const std::string& url, Encoding encoding, Receiver& receiver) {
  for (int attempt = 1;; ++attempt) {
    const auto held_before = receiver.held();
    HttpRequest request{.url = url,
                        .token = settings_.token,
                        .offset = held_before,
                        .encoding = encoding,
                        .timeouts = settings_.timeouts,
                        .body = {},
                        .tick = [&] { receiver.tick(); }};
    request.body = [&, next = held_before](std::uint64_t position, std::string_view piece) mutable {
      if (position != 0 && position != next) {
        throw Error(ErrorCode::corrupt, "[pull] " + url + ": asked for bytes from " + std::to_string(next) +
                                            ", got bytes from " + std::to_string(position));
      }
      receiver.write(position, piece);
      next = position + piece.size();
    };
    const auto response = http_get(request);
    const bool answered = response.outcome == HttpOutcome::answered;
    if (answered && (response.status == 200 || response.status == 206) && !response.is_page) {
      reached_ = true;
      return;
    }
    if (!may_pass(response, reached_) || response.retry_after > settings_.longest_wait) fail(response, url);
    if (answered && response.status == 416) receiver.write(0, {});  // What is held is no beginning of it.
    if (receiver.held() >= held_before + least_progress) attempt = 1;
    if (attempt >= settings_.attempts) fail(response, url);
    wait(std::max<std::chrono::milliseconds>(settings_.pause * (1 << std::min(attempt - 1, 5)),
                                             response.retry_after),
         receiver);
  }
}

void Hub::wait(std::chrono::milliseconds time, Receiver& receiver) const {
  while (time.count() > 0) {
    const auto slice = std::min(time, tick_interval);
    std::this_thread::sleep_for(slice);
    time -= slice;
    receiver.tick();
  }
}

void Hub::fail(const HttpResponse& response, const std::string& url) const {
  switch (response.outcome) {
    case HttpOutcome::answered:
      refuse(response, url);
    case HttpOutcome::unreachable:
      throw Error(ErrorCode::io, "[pull] cannot reach " + endpoint_ + ": you are offline, or it is down (" +
                                     response.reason + ")");
    case HttpOutcome::interrupted:
      throw Error(ErrorCode::io, "[pull] " + url + ": the server stalls or breaks off (" + response.reason +
                                     "); the next pull goes on where this one ended");
    case HttpOutcome::refused:
      break;
  }
  throw Error(ErrorCode::io, "[pull] " + url + ": " + response.reason);
}

void Hub::refuse(const HttpResponse& response, const std::string& url) const {
  const auto status = " (status " + std::to_string(response.status) + ")";
  const auto token = settings_.token.empty() ? "set HF_TOKEN to a token that may read it"
                                             : "the token of " + settings_.token_origin + " may not read it";
  const bool denied = response.status == 401 || response.status == 403;
  // Who may see the listing but not a file has not accepted the terms.
  if (denied && (reached_ || response.status == 403 || response.error_code == "GatedRepo")) {
    throw Error(ErrorCode::io,
                "[pull] " + name_.repository() + ": access is refused" + status +
                    "; accept the model's terms on " + endpoint_ + "/" + name_.repository() + ", and " +
                    (settings_.token.empty()
                         ? "set HF_TOKEN to a token of that account"
                         : "see whether the token of " + settings_.token_origin + " is of that account"));
  }
  if (denied) {
    throw Error(ErrorCode::not_found,
                "[pull] " + name_.repository() + ": no such model, or a private one" + status + "; " + token);
  }
  if (response.status == 404 && response.error_code == "RevisionNotFound") {
    throw Error(ErrorCode::not_found,
                "[pull] " + name_.repository() + ": no such revision: " + name_.revision);
  }
  if (response.status == 404) {
    throw Error(ErrorCode::not_found, "[pull] " + url + ": no such model or file");
  }
  if (response.status == 429) {
    const auto seconds = response.retry_after.count();
    throw Error(ErrorCode::io, "[pull] " + endpoint_ + ": too many requests" + status + "; " +
                                   (seconds > 0 ? "it asks to wait " + std::to_string(seconds) + " seconds"
                                                : "wait a while") +
                                   ", and the next pull goes on where this one ended" +
                                   (settings_.token.empty() ? "; with HF_TOKEN more are allowed" : ""));
  }
  constexpr long network_wants_login = 511;
  if (response.is_page && (response.status < 300 || response.status == network_wants_login)) {
    throw Error(ErrorCode::io, "[pull] " + url + ": a web page came" + status +
                                   ", which is not a hub's answer; a network that wants a login first "
                                   "answers so, as does a server that is no hub (HF_ENDPOINT)");
  }
  throw Error(ErrorCode::io,
              "[pull] " + url + ": expected status 200, got " + std::to_string(response.status));
}

}  // namespace beeld
