#include "multimodal/hub/pull_hub.h"

#include <beeld/error.h>

#include <algorithm>
#include <thread>

namespace beeld {

namespace {

constexpr std::size_t max_listing_bytes = 64u << 20;
constexpr std::chrono::milliseconds tick_interval{100};

class TextReceiver : public Receiver {
 public:
  explicit TextReceiver(const std::string& repository) : repository_(repository) {}

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
  const std::string& repository_;
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
    : settings_(settings), repository_(name.text()), endpoint_(settings.endpoint) {
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  if (!endpoint_.starts_with("https://") && !endpoint_.starts_with("http://")) {
    throw Error(ErrorCode::invalid_argument,
                "[pull] HF_ENDPOINT: expected an http or https address, got " + settings.endpoint);
  }
}

std::string Hub::listing() {
  TextReceiver receiver(repository_);
  get(endpoint_ + "/api/models/" + repository_ + "/revision/main?blobs=true", receiver);
  return receiver.take();
}

void Hub::fetch(const std::string& revision, const std::string& file, Receiver& receiver) {
  get(endpoint_ + "/" + repository_ + "/resolve/" + revision + "/" + file, receiver);
}

void Hub::get(const std::string& url, Receiver& receiver) {
  for (int attempt = 1;; ++attempt) {
    const auto held_before = receiver.held();
    HttpRequest request{.url = url,
                        .token = settings_.token,
                        .offset = held_before,
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
    if (answered && (response.status == 200 || response.status == 206)) {
      reached_ = true;
      return;
    }
    if (!may_pass(response, reached_)) fail(response, url);
    if (answered && response.status == 416) receiver.write(0, {});  // What is held is no beginning of it.
    if (receiver.held() > held_before) attempt = 1;
    if (attempt >= settings_.attempts) fail(response, url);
    pause(attempt, receiver);
  }
}

void Hub::pause(int attempt, Receiver& receiver) const {
  auto left = settings_.pause * (1 << std::min(attempt - 1, 5));
  while (left.count() > 0) {
    const auto slice = std::min(left, tick_interval);
    std::this_thread::sleep_for(slice);
    left -= slice;
    receiver.tick();
  }
}

void Hub::fail(const HttpResponse& response, const std::string& url) const {
  if (response.outcome == HttpOutcome::unreachable) {
    throw Error(ErrorCode::io, "[pull] cannot reach " + endpoint_ + ": you are offline, or it is down (" +
                                   response.reason + ")");
  }
  if (response.outcome != HttpOutcome::answered) {
    throw Error(ErrorCode::io, "[pull] " + url + ": " + response.reason);
  }
  switch (response.status) {
    case 404:
      throw Error(ErrorCode::not_found, "[pull] " + url + ": no such model or file");
    case 401:
      throw Error(
          ErrorCode::not_found,
          "[pull] " + repository_ +
              ": no such model, or a private one (status 401); set HF_TOKEN to a token that may read it");
    case 403:
      throw Error(ErrorCode::io, "[pull] " + repository_ +
                                     ": access is refused (status 403); accept the model's terms on " +
                                     endpoint_ + "/" + repository_ + " and set HF_TOKEN");
    default:
      throw Error(ErrorCode::io,
                  "[pull] " + url + ": expected status 200, got " + std::to_string(response.status));
  }
}

}  // namespace beeld
