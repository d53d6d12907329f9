#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "multimodal/hub/pull.h"
#include "tests/support/expect_error.h"
#include "tests/support/local_hub.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

inline HttpReply status(int code) { return {.status = code, .body = "no", .headers = {}, .drop_after = {}}; }

/// A hub with one repository, `owner/name`, whose weights are 300,000 bytes, and an empty store.
class PullTest : public ::testing::Test {
 protected:
  PullTest() {
    for (int i = 0; i < 300000; ++i) weights_ += static_cast<char>(i * 7 + i / 251);
    files_ = {{"config.json", R"({"model_type":"clip"})"}, {"model.safetensors", weights_}};
  }

  HttpReply answer(const HttpRequestSeen& request) const { return hub_.answer(request); }

  static bool wants_weights(const HttpRequestSeen& request) {
    return request.path.ends_with("/model.safetensors");
  }

  PullSettings settings_at(const std::string& endpoint) const {
    PullSettings settings;
    settings.endpoint = endpoint;
    settings.token = token_;
    settings.token_origin = "the test";
    settings.store = store_.path();
    settings.timeouts = {std::chrono::milliseconds(2000), std::chrono::seconds(1)};
    settings.attempts = 3;
    settings.pause = std::chrono::milliseconds(1);
    settings.longest_wait = std::chrono::seconds(1);
    return settings;
  }

  std::filesystem::path pull_at(const std::string& endpoint, const PullCallback& progress = {}) const {
    return pull_from(settings_at(endpoint), {"owner", "name"}, progress);
  }

  void expect_refused(const std::string& endpoint, ErrorCode code, const std::string& fact) const {
    expect_error(code, fact, [&] { pull_at(endpoint); });
    EXPECT_FALSE(std::filesystem::exists(store_ / "owner" / "name")) << "an incomplete folder appeared";
  }

  LocalHub hub_;
  std::map<std::string, std::string>& files_ = hub_.files;
  std::string weights_;
  std::string token_;
  TemporaryFolder store_;
};

}  // namespace beeld::testing
