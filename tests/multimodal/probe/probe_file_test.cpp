#include "multimodal/probe/probe_file.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "core/base/files.h"
#include "core/format/safetensors.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

const char* const others_name = "other-model";

class ProbeFile : public ::testing::Test {
 protected:
  ProbeFile() {
    model_.name = "tiny";
    model_.fingerprint = std::string(64, 'a');
    model_.dimension = 3;
    probe_.classifier.weights = Matrix(2, 3);
    for (std::size_t i = 0; i < 6; ++i) probe_.classifier.weights.values[i] = static_cast<float>(i) / 7;
    probe_.classifier.bias = {-0.5f, 0.25f};
    probe_.classes = {"cat", "d\"og, or \xE7\x8C\xAB"};
    probe_.model = model_.name;
    probe_.fingerprint = model_.fingerprint;
  }

  ErrorCode refusal() const {
    try {
      load_probe(file_, model_);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(file_.string()), std::string::npos) << error.what();
      return error.code();
    }
    ADD_FAILURE() << "expected an error";
    return ErrorCode::io;
  }

  /// A file with these parts of a probe.
  void write(const Matrix& weights, const std::vector<float>& bias,
             const std::map<std::string, std::string>& metadata) const {
    const auto rows = static_cast<std::int64_t>(weights.rows);
    write_safetensors(
        file_,
        {{"weights",
          {DType::f32,
           {rows, static_cast<std::int64_t>(weights.columns)},
           std::as_bytes(std::span(weights.values))}},
         {"bias", {DType::f32, {static_cast<std::int64_t>(bias.size())}, std::as_bytes(std::span(bias))}}},
        metadata);
  }

  std::map<std::string, std::string> metadata(const std::string& classes) const {
    return {{"classes", classes}, {"model", "tiny"}, {"fingerprint", model_.fingerprint}};
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "probe.safetensors";
  ModelInfo model_;
  Probe probe_;
};

TEST_F(ProbeFile, ComesBackAsItWas) {
  save_probe(file_, probe_);
  const auto read = load_probe(file_, model_);
  EXPECT_EQ(read.classes, probe_.classes);
  EXPECT_EQ(read.classifier.weights.values, probe_.classifier.weights.values);
  EXPECT_EQ(read.classifier.weights.rows, 2u);
  EXPECT_EQ(read.classifier.weights.columns, 3u);
  EXPECT_EQ(read.classifier.bias, probe_.classifier.bias);
  EXPECT_EQ(read.model, "tiny");
}

TEST_F(ProbeFile, AnotherModelIsRefusedByName) {
  save_probe(file_, probe_);
  model_.name = others_name;
  model_.fingerprint = std::string(64, 'b');
  try {
    load_probe(file_, model_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    for (const char* part : {"tiny", "aaaaaaaaaaaa", others_name, "bbbbbbbbbbbb"})
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST_F(ProbeFile, RefusesPartsThatDoNotAgree) {
  constexpr auto corrupt = ErrorCode::corrupt;
  write(Matrix(2, 3), {0, 0}, {});
  EXPECT_EQ(refusal(), corrupt);
  write(Matrix(2, 3), {0, 0, 0}, metadata(R"(["a","b"])"));
  EXPECT_EQ(refusal(), corrupt);
  write(Matrix(2, 4), {0, 0}, metadata(R"(["a","b"])"));
  EXPECT_EQ(refusal(), corrupt);
  for (const char* classes :
       {"", "[]", R"(["a"])", R"(["a","b","c"])", R"(["a",1])", R"({"a":"b"})", R"("ab")"}) {
    write(Matrix(2, 3), {0, 0}, metadata(classes));
    EXPECT_EQ(refusal(), corrupt) << classes;
  }
  write(Matrix(2, 3), {0, std::nanf("")}, metadata(R"(["a","b"])"));
  EXPECT_EQ(refusal(), corrupt);
  write(Matrix(2, 3), {0, 0}, metadata(R"(["a","b"])"));
  EXPECT_EQ(refusal(), corrupt) << "without a checksum";
}

TEST_F(ProbeFile, RefusesToSaveSizesThatDoNotAgree) {
  probe_.classes.pop_back();
  testing::expect_error(ErrorCode::invalid_argument, "1 class names for 2 rows",
                        [&] { save_probe(file_, probe_); });
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(ProbeFile, SurvivesDamage) {
  save_probe(file_, probe_);
  std::ifstream stream(file_, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(stream), {});
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto damaged = content;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    for (const auto& bytes : {damaged, content.substr(0, i)}) {
      std::ofstream(file_, std::ios::binary) << bytes;
      try {
        const auto probe = load_probe(file_, model_);
        EXPECT_EQ(probe.classes.size(), probe.classifier.bias.size());
      } catch (const Error&) {
      }
    }
  }
  std::filesystem::remove(file_);
  EXPECT_EQ(refusal(), ErrorCode::not_found);
}

TEST_F(ProbeFile, IsNeverSilentlyAnotherWhenDamaged) {
  save_probe(file_, probe_);
  const auto whole = read_file(file_, 1 << 20);
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    auto bytes = whole;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 + random() % 255);
    write_file_atomically(file_, bytes);
    try {
      const auto read = load_probe(file_, model_);
      EXPECT_EQ(read.classifier.weights.values, probe_.classifier.weights.values);
      EXPECT_EQ(read.classifier.bias, probe_.classifier.bias);
      EXPECT_EQ(read.classes, probe_.classes);
      EXPECT_EQ(read.model, probe_.model);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace beeld
