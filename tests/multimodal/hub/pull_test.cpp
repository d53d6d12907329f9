#include "core/base/files.h"
#include "tests/multimodal/hub/pull_fixture.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

#include <beeld/error.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

namespace beeld {
namespace {

namespace fs = std::filesystem;
using testing::git_blob_of;
using testing::HttpReply;
using testing::HttpRequestSeen;
using testing::HttpServer;
using testing::ranged;
using testing::sha256_of;
using testing::status;

class PullTest : public testing::PullTest {
 protected:
  void expect_complete() {
    const auto folder = store_ / "owner" / "name";
    EXPECT_TRUE(read_file(folder / "model.safetensors", 1u << 20) == weights_);
    EXPECT_EQ(read_file(folder / "config.json", 100), files_.at("config.json"));
    EXPECT_FALSE(fs::exists(store_ / ".staging" / "owner" / "name"));
  }
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
  const auto plain = hub_.listing(), compressed = testing::gzipped(plain);
  ASSERT_GT(plain.size(), 1'000'000U);
  const std::vector<std::vector<std::size_t>> ways{{}, {1, 16384, 3, 40000}, {65537}, {16383, 1}};
  for (const auto& pieces : ways) {
    for (const auto& [framing, listing] :
         {std::pair(testing::Framing::length, &plain), std::pair(testing::Framing::chunked, &plain),
          std::pair(testing::Framing::length, &compressed),
          std::pair(testing::Framing::chunked, &compressed)}) {
      HttpServer server([&, framing = framing, listing = listing](const HttpRequestSeen& request) {
        auto reply = request.path.starts_with("/api/")
                         ? HttpReply{.body = *listing, .headers = {}, .drop_after = {}}
                         : answer(request);
        if (reply.body == compressed) reply.headers["Content-Encoding"] = "gzip";
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

/// Revisions and subfolders lie side by side, and each is found by its own name.
TEST_F(PullTest, FetchesARevisionAndASubfolder) {
  hub_.revision = "refs%2Fpr%2F15";
  files_ = {{"config.json", "root"}, {"text/config.json", "sub"}, {"text/model.safetensors", weights_}};
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  const auto name = *parse_hub_name("hf:owner/name@refs/pr/15/text");
  const auto folder = pull_from(settings_at(server.url()), name);
  EXPECT_EQ(folder, store_ / "owner" / "name@refs+pr+15+text");
  EXPECT_EQ(read_file(folder / "config.json", 100), "sub");
  EXPECT_TRUE(read_file(folder / "model.safetensors", 1u << 20) == weights_);
  ::setenv("BEELD_STORE", store_.path().c_str(), 1);
  EXPECT_EQ(stored_models(), std::vector<std::string>{"owner/name@refs/pr/15/text"});
  EXPECT_EQ(resolve_model("hf:owner/name@refs/pr/15/text"), folder);
  testing::expect_error(ErrorCode::not_found, "beeld pull hf:owner/name`",
                        [] { resolve_model("hf:owner/name"); });
  ::unsetenv("BEELD_STORE");
}

TEST_F(PullTest, TheConfigurationIsCheckedBeforeWeightsAreFetched) {
  files_["vocab.json"] = "{}";
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  for (const auto last : {FileKind::configuration, FileKind::tokenizer}) {
    auto settings = settings_at(server.url());
    std::vector<FileKind> seen;
    settings.check = [&](const fs::path& folder, FileKind latest) {
      seen.push_back(latest);
      EXPECT_TRUE(fs::exists(folder / "config.json"));
      EXPECT_EQ(fs::exists(folder / "vocab.json"), latest == FileKind::tokenizer);
      if (latest == last)
        throw Error(ErrorCode::unsupported, "[x] " + (folder / "config.json").string() + ": bad");
    };
    testing::expect_error(ErrorCode::unsupported,
                          "[pull] owner/name: it cannot be read, so its weights were not fetched: "
                          "[x] config.json: bad",
                          [&] {
                            pull_from(settings, {"owner", "name"});
                          });
    EXPECT_EQ(seen.back(), last);
    EXPECT_FALSE(fs::exists(store_ / ".staging" / "owner" / "name")) << "what is refused leaves nothing";
  }
  for (const auto& request : server.requests()) EXPECT_FALSE(wants_weights(request));
}

TEST_F(PullTest, OnlyListingsMayBeCompressed) {
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  pull_at(server.url());
  expect_complete();
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].headers.at("accept-encoding"), "gzip");
  for (std::size_t i = 1; i < requests.size(); ++i)
    EXPECT_FALSE(requests[i].headers.contains("accept-encoding")) << requests[i].path;
}

TEST_F(PullTest, TakesItsSettingsFromTheEnvironment) {
  const testing::TemporaryFolder origin;
  testing::write_tiny_model(origin.path());
  for (const auto& file : fs::directory_iterator(origin.path()))
    files_[file.path().filename().string()] = read_file(file.path(), 1u << 24);
  HttpServer server([&](const HttpRequestSeen& request) { return answer(request); });
  ::setenv("HF_ENDPOINT", server.url().c_str(), 1);
  ::setenv("HF_TOKEN", "hf_mine", 1);
  ::setenv("BEELD_STORE", store_.path().c_str(), 1);
  EXPECT_EQ(pull("hf:owner/name"), store_ / "owner" / "name");
  EXPECT_EQ(server.requests()[0].headers.at("authorization"), "Bearer hf_mine");
  for (const auto* reference : {"hf:../name", "name", "hf:owner/na me", "hf:owner/a@", "hf:.owner/name"}) {
    testing::expect_error(ErrorCode::invalid_argument,
                          std::string("expected hf:owner/name[@revision][/subfolder], got ") + reference,
                          [&] { pull(reference); });
  }
  ::unsetenv("HF_ENDPOINT");
  ::unsetenv("HF_TOKEN");
  ::unsetenv("BEELD_STORE");
}

}  // namespace
}  // namespace beeld
