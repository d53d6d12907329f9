#pragma once

#include "multimodal/hub/http.h"
#include "multimodal/hub/store_names.h"

#include <beeld/store.h>

namespace beeld {

using PullCallback = std::function<void(const PullProgress&)>;

/// Everything a pull depends on; pull() takes the first three from the environment.
struct PullSettings {
  std::string endpoint = "https://huggingface.co";
  std::string token;
  std::filesystem::path store;
  HttpTimeouts timeouts;
  int attempts = 5;                       ///< In a row without a byte received.
  std::chrono::milliseconds pause{1000};  ///< Before the second attempt; doubled before each further one.
};

/// pull() with given settings.
std::filesystem::path pull_from(const PullSettings& settings, const HubName& name,
                                const PullCallback& progress = {});

}  // namespace beeld
