// What a hub answers instead of a file, and what is said about it.
#include "tests/multimodal/hub/pull_fixture.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>

namespace beeld {
namespace {

using testing::HttpReply;
using testing::HttpRequestSeen;
using testing::HttpServer;
using testing::status;

class PullRefusal : public testing::PullTest {};

bool wants_listing(const HttpRequestSeen& request) { return request.path.starts_with("/api/"); }

TEST_F(PullRefusal, ExplainsARefusal) {
  for (const auto& [code, kind, fact] :
       {std::tuple(404, ErrorCode::not_found, "no such model"),
        std::tuple(401, ErrorCode::not_found, "no such model, or a private one (status 401); set HF_TOKEN"),
        std::tuple(403, ErrorCode::io, "/owner/name, and set HF_TOKEN")}) {
    HttpServer server([code = code](const HttpRequestSeen&) { return status(code); });
    expect_refused(server.url(), kind, fact);
    EXPECT_EQ(server.requests().size(), 1U) << "a refusal is final";
  }
}

TEST_F(PullRefusal, SaysPlainlyWhenOffline) {
  std::string url;
  {
    HttpServer server([](const HttpRequestSeen&) { return status(404); });
    url = server.url();
  }
  expect_refused(url, ErrorCode::io, "cannot reach " + url + ": you are offline, or it is down");
  expect_refused("http://no-such-host.invalid", ErrorCode::io, "you are offline, or it is down");
  expect_refused("ftp://example.org", ErrorCode::invalid_argument, "HF_ENDPOINT");
}

TEST_F(PullRefusal, GivesUpAfterItsAttempts) {
  HttpServer server([](const HttpRequestSeen&) { return status(500); });
  expect_refused(server.url(), ErrorCode::io, "expected status 200, got 500");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(PullRefusal, AGatedModelNamesThePageOfItsTerms) {
  for (const int code : {401, 403}) {
    for (const char* token : {"", "hf_mine"}) {
      HttpServer server([&](const HttpRequestSeen& request) {
        return wants_listing(request) ? answer(request) : status(code);
      });
      token_ = token;
      expect_refused(server.url(), ErrorCode::io,
                     "accept the model's terms on " + server.url() + "/owner/name, and " +
                         (token_.empty() ? "set HF_TOKEN" : "see whether the token of the test"));
    }
  }
  HttpServer named([](const HttpRequestSeen&) {
    auto reply = status(401);
    reply.headers["X-Error-Code"] = "GatedRepo";
    return reply;
  });
  expect_refused(named.url(), ErrorCode::io, "accept the model's terms");
}

TEST_F(PullRefusal, ATokenThatMayNotReadIsNamed) {
  token_ = "hf_old";
  HttpServer server([](const HttpRequestSeen&) { return status(401); });
  expect_refused(server.url(), ErrorCode::not_found, "the token of the test may not read it");
}

TEST_F(PullRefusal, ARevisionThatIsNotThereIsNamed) {
  HttpServer server([](const HttpRequestSeen&) {
    auto reply = status(404);
    reply.headers["X-Error-Code"] = "RevisionNotFound";
    return reply;
  });
  testing::expect_error(ErrorCode::not_found, "owner/name: no such revision: v9", [&] {
    pull_from(settings_at(server.url()), {"owner", "name", "v9"});
  });
}

TEST_F(PullRefusal, AWebPageIsNoAnswer) {
  const HttpReply page{.body = "<html>log in</html>",
                       .headers = {{"Content-Type", "Text/HTML; charset=utf-8"}},
                       .drop_after = {}};
  HttpServer everywhere([&](const HttpRequestSeen&) { return page; });
  expect_refused(everywhere.url(), ErrorCode::io, "which is not a hub's answer");
  HttpServer for_weights(
      [&](const HttpRequestSeen& request) { return wants_weights(request) ? page : answer(request); });
  expect_refused(for_weights.url(), ErrorCode::io, "which is not a hub's answer");
  HttpServer untyped(
      [&](const HttpRequestSeen&) { return HttpReply{.body = page.body, .headers = {}, .drop_after = {}}; });
  expect_refused(untyped.url(), ErrorCode::corrupt, "[pull] owner/name: not a hub's answer, which is JSON");
  HttpServer cut([&](const HttpRequestSeen&) {
    const auto whole = hub_.listing();
    return HttpReply{.body = whole.substr(0, whole.size() / 2), .headers = {}, .drop_after = {}};
  });
  expect_refused(cut.url(), ErrorCode::corrupt, "[pull] owner/name: not a hub's answer, which is JSON");
}

TEST_F(PullRefusal, WaitsAsLongAsItIsAskedTo) {
  std::atomic<int> asked{0};
  HttpServer server([&](const HttpRequestSeen& request) {
    if (asked++ > 0) return answer(request);
    auto reply = status(429);
    reply.headers["Retry-After"] = "1";
    return reply;
  });
  const auto start = std::chrono::steady_clock::now();
  pull_at(server.url());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(PullRefusal, SaysHowLongItWouldHaveToWait) {
  for (const int code : {429, 503}) {
    HttpServer server([&](const HttpRequestSeen&) {
      auto reply = status(code);
      reply.headers["Retry-After"] = "300";
      return reply;
    });
    expect_refused(server.url(), ErrorCode::io,
                   code == 429 ? "too many requests (status 429); it asks to wait 300 seconds" : "got 503");
    EXPECT_EQ(server.requests().size(), 1U);
  }
  HttpServer endless([](const HttpRequestSeen&) { return status(429); });
  expect_refused(endless.url(), ErrorCode::io, "too many requests (status 429); wait a while");
  EXPECT_EQ(endless.requests().size(), 3U);
}

TEST_F(PullRefusal, AServerThatDripsIsGivenUp) {
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (!wants_weights(request)) return reply;
    reply.pieces = {4};
    reply.pause = std::chrono::milliseconds(200);
    return reply;
  });
  expect_refused(server.url(), ErrorCode::io, "the server stalls or breaks off");
  EXPECT_EQ(server.requests().size(), 5U) << "the listing, the configuration and three attempts";
}

TEST_F(PullRefusal, AServerThatNeverAnswersIsGivenUp) {
  HttpServer server([&](const HttpRequestSeen&) {
    return HttpReply{.body = "x", .headers = {}, .drop_after = 0, .stall = std::chrono::seconds(60)};
  });
  expect_refused(server.url(), ErrorCode::io, "the server stalls or breaks off");
}

/// Sets variables, and takes those out of sight that would come first.
class SavedToken : public ::testing::Test {
 protected:
  SavedToken() {
    for (const auto* name : {"HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME"}) set(name, "");
    set("HOME", folder_.path().string());
  }
  ~SavedToken() override {
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

  void set(const std::string& name, const std::string& value) {
    const char* old = std::getenv(name.c_str());
    before_.try_emplace(name, old ? old : "");
    ::setenv(name.c_str(), value.c_str(), 1);
  }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  std::map<std::string, std::string> before_;
  testing::TemporaryFolder folder_;
};

TEST_F(SavedToken, IsLookedForWhereTheHubsProgramsKeepIt) {
  EXPECT_EQ(settings_of_environment().token, "");
  const auto home = write(".cache/huggingface/token", "hf_home\n");
  EXPECT_EQ(settings_of_environment().token, "hf_home");
  EXPECT_EQ(settings_of_environment().token_origin, home);
  write("cache/huggingface/token", "hf_cache");
  set("XDG_CACHE_HOME", (folder_ / "cache").string());
  EXPECT_EQ(settings_of_environment().token, "hf_cache");
  write("hub/token", " hf_hub \r\n");
  set("HF_HOME", (folder_ / "hub").string());
  EXPECT_EQ(settings_of_environment().token, "hf_hub");
  set("HF_TOKEN_PATH", write("mine", "hf_path"));
  EXPECT_EQ(settings_of_environment().token, "hf_path");
  set("HF_TOKEN", "hf_variable");
  EXPECT_EQ(settings_of_environment().token, "hf_variable");
  EXPECT_EQ(settings_of_environment().token_origin, "HF_TOKEN");
}

TEST_F(SavedToken, MustBeOneWord) {
  const auto path = write(".cache/huggingface/token", "hf_a\nX-Other: b\n");
  testing::expect_error(ErrorCode::invalid_argument, "[pull] " + path + ": expected a token",
                        [] { settings_of_environment(); });
}

}  // namespace
}  // namespace beeld
