#pragma once

#include "multimodal/hub/http.h"
#include "multimodal/hub/pull_listing.h"
#include "multimodal/hub/store_names.h"

#include <beeld/store.h>

namespace beeld {

using PullCallback = std::function<void(const PullProgress&)>;

/// Looks at a folder that holds the files of some kinds and of all that come before them in FileKind; what it
/// throws ends the pull before anything else is fetched.
using PullCheck = std::function<void(const std::filesystem::path& folder, FileKind latest)>;

/// Everything a pull depends on; pull() takes the first four from the environment.
struct PullSettings {
  std::string endpoint = "https://huggingface.co";
  std::string token;         ///< May be empty.
  std::string token_origin;  ///< Where it comes from, for messages.
  std::filesystem::path store;
  HttpTimeouts timeouts;
  int attempts = 5;                       ///< In a row without a byte received.
  std::chrono::milliseconds pause{1000};  ///< Before the second attempt; doubled before each further one.
  std::chrono::seconds longest_wait{60};  ///< A server that asks for more (Retry-After) is not waited for.
  PullCheck check = {};
};

/// The settings that the environment asks for, as the hub's own programs understand it: `$HF_ENDPOINT`,
/// `$HF_TOKEN`, else the token saved in `$HF_TOKEN_PATH`, `$HF_HOME/token`,
/// `$XDG_CACHE_HOME/huggingface/token` or `~/.cache/huggingface/token`; and this program's own store. Throws
/// Error(invalid_argument) where a token cannot be one.
PullSettings settings_of_environment();

/// pull() with given settings.
std::filesystem::path pull_from(const PullSettings& settings, const HubName& name,
                                const PullCallback& progress = {});

}  // namespace beeld
