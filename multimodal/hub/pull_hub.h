#pragma once

#include "multimodal/hub/pull.h"

namespace beeld {

/// Where the content of a download goes.
class Receiver {
 public:
  virtual ~Receiver() = default;

  /// Bytes held already; a transfer continues there.
  virtual std::uint64_t held() const = 0;

  /// Stores a piece; position 0 starts again from nothing, and any other position is where the last piece of
  /// this attempt ended, or held() for its first.
  virtual void write(std::uint64_t position, std::string_view piece) = 0;

  /// Called now and then while waiting; may throw to end the download.
  virtual void tick() {}
};

/// Downloads from one repository of a hub, with as many attempts as the settings allow.
class Hub {
 public:
  Hub(const PullSettings& settings, const HubName& name);

  /// The hub's answer about the repository, as JSON text.
  std::string listing();

  /// Fetches a file of the checkpoint's folder in a revision. Throws Error: not_found, io, corrupt, and what
  /// the receiver throws.
  void fetch(const std::string& revision, const std::string& file, Receiver& receiver);

 private:
  void get(const std::string& url, Encoding encoding, Receiver& receiver);
  void wait(std::chrono::milliseconds time, Receiver& receiver) const;
  [[noreturn]] void fail(const HttpResponse& response, const std::string& url) const;
  [[noreturn]] void refuse(const HttpResponse& response, const std::string& url) const;

  const PullSettings& settings_;
  HubName name_;
  std::string endpoint_;
  bool reached_ = false;  ///< The hub has answered before, so being unreachable may pass.
};

}  // namespace beeld
