#include "multimodal/hub/pull.h"

#include "core/base/digest.h"
#include "core/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/http_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

#include <beeld/error.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace beeld {
namespace {

namespace fs = std::filesystem;
using testing::HttpReply;
using testing::HttpRequestSeen;
using testing::HttpServer;
using testing::ranged;

const std::string revision(40, 'a');

std::string sha256_of(const std::string& content) {
  Digest digest;
  digest.add(content);
  return digest.hex();
}

std::string git_blob_of(const std::string& content) {
  Digest digest(HashFunction::sha1);
  digest.add("blob " + std::to_string(content.size()) + std::string(1, '\0') + content);
  return digest.hex();
}

HttpReply status(int code) { return {.status = code, .body = "no", .headers = {}, .drop_after = {}}; }

/// A hub with one repository, `owner/name`, whose weights are 300,000 bytes.
class PullTest : public ::testing::Test {
 protected:
  PullTest() {
    for (int i = 0; i < 300000; ++i) weights_ += static_cast<char>(i * 7 + i / 251);
    files_ = {{"config.json", R"({"model_type":"clip"})"}, {"model.safetensors", weights_}};
  }

  std::string listing() const {
    nlohmann::json siblings = nlohmann::json::array();
    for (const auto& [name, content] : files_) {
      nlohmann::json file{{"rfilename", name}, {"size", content.size()}, {"blobId", git_blob_of(content)}};
      if (name.ends_with(".safetensors")) file["lfs"] = {{"sha256", sha256_of(content)}};
      siblings.push_back(file);
    }
    return nlohmann::json{{"id", "owner/name"}, {"sha", revision}, {"siblings", siblings}}.dump();
  }

  /// Answers as the hub would.
  HttpReply answer(const HttpRequestSeen& request) const {
    if (request.path == "/api/models/owner/name/revision/main?blobs=true") {
      return {.body = listing(), .headers = {}, .drop_after = {}};
    }
    const std::string prefix = "/owner/name/resolve/" + revision + "/";
    const auto file =
        request.path.starts_with(prefix) ? files_.find(request.path.substr(prefix.size())) : files_.end();
    return file == files_.end() ? status(404) : ranged(request, file->second);
  }

  static bool wants_weights(const HttpRequestSeen& request) {
    return request.path.ends_with("/model.safetensors");
  }

  fs::path pull_at(const std::string& endpoint, const PullCallback& progress = {}) {
    PullSettings settings;
    settings.endpoint = endpoint;
    settings.token = token_;
    settings.store = store_.path();
    settings.timeouts = {std::chrono::milliseconds(2000), std::chrono::seconds(1)};
    settings.attempts = 3;
    settings.pause = std::chrono::milliseconds(1);
    return pull_from(settings, {"owner", "name"}, progress);
  }

  void expect_refused(const std::string& endpoint, ErrorCode code, const std::string& fact) {
    try {
      pull_at(endpoint);
      ADD_FAILURE() << "pulled, expected: " << fact;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(fact), std::string::npos) << error.what();
    }
    EXPECT_FALSE(fs::exists(store_ / "owner" / "name")) << "an incomplete folder appeared";
  }

  void expect_complete() {
    const auto folder = store_ / "owner" / "name";
    EXPECT_TRUE(read_file(folder / "model.safetensors", 1u << 20) == weights_);
    EXPECT_EQ(read_file(folder / "config.json", 100), files_.at("config.json"));
    EXPECT_FALSE(fs::exists(store_ / ".staging" / "owner" / "name"));
  }

  std::string weights_;
  std::map<std::string, std::string> files_;
  std::string token_;
  testing::TemporaryFolder store_;
};

TEST_F(PullTest, FetchesVerifiesAndPublishes) {
  files_["pytorch_model.bin"] = "pickle";
  files_["onnx/model.onnx"] = "other";
  files_["../escape.json"] = "hostile";
  files_["tokenizer.json"] = "";
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  std::vector<PullProgress> seen;
  const auto folder = pull_at(server.url() + "/", [&](const PullProgress& p) { seen.push_back(p); });
  EXPECT_EQ(folder, store_ / "owner" / "name");
  expect_complete();
  EXPECT_TRUE(fs::exists(folder / "tokenizer.json"));
  EXPECT_FALSE(fs::exists(folder / "pytorch_model.bin"));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().file, "model.safetensors");
  EXPECT_EQ(seen.back().received, weights_.size());
  EXPECT_EQ(seen.back().total, weights_.size());
  EXPECT_EQ(server.requests().size(), 4U) << "the listing and three files";

  pull_at(server.url());
  EXPECT_EQ(server.requests().size(), 5U) << "the same revision is not fetched again";
}

/// A listing of about a megabyte: a real repository lists thousands of files that no checkpoint needs.
TEST_F(PullTest, AListingArrivesInAnyPieces) {
  for (int i = 0; i < 11000; ++i) files_["runs/events-" + std::to_string(i) + ".json"] = "{}";
  ASSERT_GT(listing().size(), 1'000'000U);
  const std::vector<std::vector<std::size_t>> ways{{}, {1, 16384, 3, 40000}, {65537}, {16383, 1}};
  for (const auto& pieces : ways) {
    for (const auto framing : {testing::Framing::length, testing::Framing::chunked}) {
      HttpServer server([&](const HttpRequestSeen& request) {
        auto reply = answer(request);
        reply.pieces = pieces;
        reply.framing = framing;
        if (pieces == ways[2]) reply.pause = std::chrono::milliseconds(5);
        return reply;
      });
      pull_at(server.url());
      expect_complete();
      fs::remove_all(store_ / "owner");
    }
  }
}

TEST_F(PullTest, AListingThatBreaksOffIsAskedForAgain) {
  for (int i = 0; i < 1000; ++i) files_["runs/events-" + std::to_string(i) + ".json"] = "{}";
  std::atomic<int> asked{0};
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (request.path.starts_with("/api/") && asked++ == 0) reply.drop_after = 40000;
    return reply;
  });
  pull_at(server.url());
  expect_complete();
  EXPECT_EQ(asked, 2);
}

TEST_F(PullTest, APulledCheckpointLoads) {
  const testing::TemporaryFolder origin;
  testing::write_tiny_model(origin.path());
  files_.clear();
  for (const auto& file : fs::directory_iterator(origin.path())) {
    files_[file.path().filename().string()] = read_file(file.path(), 1u << 24);
  }
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  const auto pulled = Model::load(pull_at(server.url()));
  EXPECT_EQ(pulled.info().fingerprint, Model::load(origin.path()).info().fingerprint);
  const std::vector<std::string> texts{"two dogs"};
  EXPECT_EQ(pulled.encode_texts(texts).values, Model::load(origin.path()).encode_texts(texts).values);
}

TEST_F(PullTest, FetchesAChangedCheckpointAgain) {
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  pull_at(server.url());
  weights_[5] ^= 1;
  files_["model.safetensors"] = weights_;
  pull_at(server.url());
  expect_complete();
}

TEST_F(PullTest, ResumesADroppedConnection) {
  std::atomic<int> drops{0};
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request) && drops++ < 2) reply.drop_after = 100000;
    return reply;
  });
  pull_at(server.url());
  expect_complete();
  std::vector<std::size_t> starts;
  for (const auto& request : server.requests())
    if (wants_weights(request)) starts.push_back(request.range_start());
  EXPECT_EQ(starts, (std::vector<std::size_t>{0, 100000, 200000}));
}

TEST_F(PullTest, ResumesInALaterPull) {
  std::atomic<bool> broken{true};
  HttpServer server([&](const HttpRequestSeen& request) {
    if (!wants_weights(request) || !broken) return answer(request);
    auto reply = answer(request);
    if (request.range_start() > 0) return status(404);
    reply.drop_after = 123456;
    return reply;
  });
  expect_refused(server.url(), ErrorCode::not_found, "no such model or file");
  broken = false;
  pull_at(server.url());
  expect_complete();
  EXPECT_EQ(server.requests().back().range_start(), 123456U);
}

TEST_F(PullTest, DoesNotContinueAnotherVersionsPart) {
  std::atomic<bool> broken{true};
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request) && broken) {
      if (request.range_start() > 0) return status(404);
      reply.drop_after = 1000;
    }
    return reply;
  });
  expect_refused(server.url(), ErrorCode::not_found, "no such model or file");
  weights_[0] ^= 1;
  files_["model.safetensors"] = weights_;
  broken = false;
  pull_at(server.url());
  expect_complete();
  EXPECT_EQ(server.requests().back().range_start(), 0U);
}

TEST_F(PullTest, StartsAgainWhereAServerDoesNotResume) {
  std::atomic<int> drops{0};
  HttpServer server([&](const HttpRequestSeen& request) {
    auto whole = request;
    whole.headers.erase("range");
    auto reply = answer(whole);
    if (wants_weights(request) && drops++ == 0) reply.drop_after = 5000;
    return reply;
  });
  pull_at(server.url());
  expect_complete();
}

TEST_F(PullTest, ADamagedPartIsFetchedAgain) {
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  const auto part = store_ / ".staging" / "owner" / "name" /
                    ("model.safetensors." + sha256_of(weights_).substr(0, 16) + ".part");
  fs::create_directories(part.parent_path());
  write_file_atomically(part, std::string(5000, 'x'));
  pull_at(server.url());
  expect_complete();
}

TEST_F(PullTest, APartAsLongAsTheFileIsOnlyVerified) {
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  const auto part = store_ / ".staging" / "owner" / "name" /
                    ("model.safetensors." + sha256_of(weights_).substr(0, 16) + ".part");
  fs::create_directories(part.parent_path());
  write_file_atomically(part, weights_);
  pull_at(server.url());
  expect_complete();
  for (const auto& request : server.requests()) EXPECT_FALSE(wants_weights(request));
}

TEST_F(PullTest, RefusesAWrongChecksum) {
  HttpServer git([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (request.path.ends_with("/config.json")) reply.body[3] ^= 1;
    return reply;
  });
  expect_refused(git.url(), ErrorCode::corrupt,
                 "its checksum is not the stated " + git_blob_of(files_.at("config.json")));
  HttpServer lfs([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request)) reply.body[1000] ^= 1;
    return reply;
  });
  expect_refused(lfs.url(), ErrorCode::corrupt, "its checksum is not the stated " + sha256_of(weights_));
}

TEST_F(PullTest, RefusesAWrongSize) {
  HttpServer longer([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request)) reply.body += "more";
    return reply;
  });
  expect_refused(longer.url(), ErrorCode::corrupt, "but the server sends more");
  HttpServer shorter([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request)) reply.body.resize(10);
    return reply;
  });
  expect_refused(shorter.url(), ErrorCode::corrupt, "expected 300000 bytes, got 10");
}

TEST_F(PullTest, RefusesAPartFromAnotherPlace) {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (!wants_weights(request)) return reply;
    if (count++ == 0)
      reply.drop_after = 1000;
    else
      reply.headers["Content-Range"] = "bytes 2000-299999/300000";
    return reply;
  });
  expect_refused(server.url(), ErrorCode::corrupt, "asked for bytes from 1000, got bytes from 2000");
}

TEST_F(PullTest, TriesAgainAfterAServerError) {
  std::atomic<int> count{0};
  HttpServer server(
      [&](const HttpRequestSeen& request) { return count++ % 2 == 0 ? status(503) : answer(request); });
  pull_at(server.url());
  expect_complete();
}

TEST_F(PullTest, GivesUpAfterItsAttempts) {
  HttpServer server([](const HttpRequestSeen&) { return status(500); });
  expect_refused(server.url(), ErrorCode::io, "expected status 200, got 500");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(PullTest, ContinuesAStalledTransfer) {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request) && count++ == 0) {
      reply.drop_after = 50000;
      reply.stall = std::chrono::seconds(60);
    }
    return reply;
  });
  pull_at(server.url());
  expect_complete();
  EXPECT_EQ(server.requests().back().range_start(), 50000U);
}

TEST_F(PullTest, TheTokenStaysWithItsHost) {
  HttpServer cdn([&](const HttpRequestSeen& request) { return ranged(request, weights_); });
  HttpServer server([&](const HttpRequestSeen& request) {
    if (!wants_weights(request)) return answer(request);
    return HttpReply{
        .status = 302, .body = {}, .headers = {{"Location", cdn.url() + "/blob"}}, .drop_after = {}};
  });
  token_ = "hf_secret";
  pull_at(server.url());
  expect_complete();
  for (const auto& request : server.requests())
    EXPECT_EQ(request.headers.at("authorization"), "Bearer hf_secret");
  ASSERT_EQ(cdn.requests().size(), 1U);
  EXPECT_FALSE(cdn.requests()[0].headers.contains("authorization"));
}

TEST_F(PullTest, RefusesARedirectToAnotherProtocolOrInACircle) {
  for (const std::string& location : {std::string("file:///etc/passwd"), std::string("/again")}) {
    HttpServer server([&](const HttpRequestSeen&) {
      return HttpReply{.status = 302, .body = {}, .headers = {{"Location", location}}, .drop_after = {}};
    });
    expect_refused(server.url(), ErrorCode::io, server.url());
  }
}

TEST_F(PullTest, ExplainsARefusal) {
  for (const auto& [code, kind, fact] :
       {std::tuple(404, ErrorCode::not_found, "no such model"),
        std::tuple(401, ErrorCode::not_found, "HF_TOKEN"), std::tuple(403, ErrorCode::io, "HF_TOKEN")}) {
    HttpServer server([code = code](const HttpRequestSeen&) { return status(code); });
    expect_refused(server.url(), kind, fact);
    EXPECT_EQ(server.requests().size(), 1U) << "a refusal is final";
  }
}

TEST_F(PullTest, SaysPlainlyWhenOffline) {
  std::string url;
  {
    HttpServer server([](const HttpRequestSeen&) { return status(404); });
    url = server.url();
  }
  expect_refused(url, ErrorCode::io, "cannot reach " + url + ": you are offline, or it is down");
  expect_refused("http://no-such-host.invalid", ErrorCode::io, "you are offline, or it is down");
  expect_refused("ftp://example.org", ErrorCode::invalid_argument, "HF_ENDPOINT");
}

TEST_F(PullTest, AnExceptionOfTheCallbackEndsThePull) {
  HttpServer server([&](const HttpRequestSeen& request) {
    auto reply = answer(request);
    if (wants_weights(request)) {
      reply.drop_after = 1000;
      reply.stall = std::chrono::seconds(60);
    }
    return reply;
  });
  const auto cancel = [](const PullProgress& progress) {
    if (progress.received >= 1000) throw std::runtime_error("cancelled");
  };
  EXPECT_THROW(pull_at(server.url(), cancel), std::runtime_error);
  EXPECT_FALSE(fs::exists(store_ / "owner" / "name"));
}

TEST_F(PullTest, TakesItsSettingsFromTheEnvironment) {
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  ::setenv("HF_ENDPOINT", server.url().c_str(), 1);
  ::setenv("HF_TOKEN", "hf_mine", 1);
  ::setenv("BEELD_STORE", store_.path().c_str(), 1);
  EXPECT_EQ(pull("hf:owner/name"), store_ / "owner" / "name");
  EXPECT_EQ(server.requests()[0].headers.at("authorization"), "Bearer hf_mine");
  for (const auto* reference : {"hf:../name", "name", "hf:owner/na me", "hf:owner/a/b", "hf:.owner/name"}) {
    testing::expect_error(ErrorCode::invalid_argument,
                          std::string("expected hf:owner/name, got ") + reference, [&] { pull(reference); });
  }
  ::unsetenv("HF_ENDPOINT");
  ::unsetenv("HF_TOKEN");
  ::unsetenv("BEELD_STORE");
}

}  // namespace
}  // namespace beeld
