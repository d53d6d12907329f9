#include "core/format/checkpoint.h"

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/torch_files.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

namespace beeld {
namespace {

constexpr std::array<const char*, 2> candidates{"model.safetensors.index.json", "model.safetensors"};

class CheckpointTest : public ::testing::Test {
 protected:
  void write_shard(const std::string& file, const std::vector<std::string>& names, std::uint8_t value = 1) {
    const std::vector<std::uint8_t> bytes(20000, value);
    std::map<std::string, TensorData, std::less<>> tensors;
    for (const auto& name : names) tensors[name] = {DType::u8, {20000}, std::as_bytes(std::span(bytes))};
    write_safetensors(folder_ / file, tensors);
  }

  void write_text(const std::string& file, const std::string& text) {
    std::ofstream(folder_ / file, std::ios::binary) << text;
  }

  Checkpoint open() { return Checkpoint::open(folder_.path(), candidates); }

  void expect_refused(ErrorCode code, const std::string& fact) {
    try {
      open();
      ADD_FAILURE() << "accepted, expected: " << fact;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(fact), std::string::npos) << error.what();
    }
  }

  testing::TemporaryFolder folder_;
};

TEST_F(CheckpointTest, OpensOneFile) {
  write_shard("model.safetensors", {"b", "a"});
  const auto checkpoint = open();
  EXPECT_EQ(checkpoint.names(), (std::vector<std::string>{"a", "b"}));
  ASSERT_NE(checkpoint.find("a"), nullptr);
  EXPECT_EQ(checkpoint.find("a")->bytes[19999], std::byte{1});
  EXPECT_EQ(checkpoint.find("c"), nullptr);
}

TEST_F(CheckpointTest, PrefersTheIndexAndJoinsItsShards) {
  write_shard("model.safetensors", {"other"});
  write_shard("model-1.safetensors", {"a", "unlisted"}, 1);
  write_shard("model-2.safetensors", {"b"}, 2);
  write_text("model.safetensors.index.json", R"({"metadata":{"total_size":40000},"weight_map":)"
                                             R"({"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  TensorEntry entry;
  {
    const auto checkpoint = open();
    EXPECT_EQ(checkpoint.names(), (std::vector<std::string>{"a", "b"}));
    entry = *checkpoint.find("b");
  }
  EXPECT_EQ(entry.bytes[0], std::byte{2}) << "the mapping must outlive the checkpoint";
}

TEST_F(CheckpointTest, RefusesAWrongIndex) {
  write_shard("model-1.safetensors", {"a"});
  const auto index = [&](const std::string& text) { write_text("model.safetensors.index.json", text); };
  index(R"({"weight_map":{"a":"../model-1.safetensors"}})");
  expect_refused(ErrorCode::corrupt, "plain name");
  index(R"({"weight_map":{"a":"/etc/x.safetensors"}})");
  expect_refused(ErrorCode::corrupt, "plain name");
  index(R"({"weight_map":{"a":"sub/model-1.safetensors"}})");
  expect_refused(ErrorCode::corrupt, "plain name");
  index(R"({"weight_map":{"a":"model-1.safetensors\u0000.safetensors"}})");
  expect_refused(ErrorCode::corrupt, "plain name");
  index(R"({"weight_map":{"a":"pytorch_model.bin"}})");
  expect_refused(ErrorCode::corrupt, "plain name");
  index(R"({"weight_map":{"a":7}})");
  expect_refused(ErrorCode::corrupt, "expected the name of a shard");
  index(R"({"weight_map":{"z":"model-1.safetensors"}})");
  expect_refused(ErrorCode::corrupt, "tensor z is not in model-1.safetensors");
  index(R"({"weight_map":{"a":"absent.safetensors"}})");
  expect_refused(ErrorCode::not_found, "absent.safetensors");
  index(R"({"weight_map":[]})");
  expect_refused(ErrorCode::corrupt, "weight_map");
  index("[]");
  expect_refused(ErrorCode::corrupt, "weight_map");
}

TEST_F(CheckpointTest, ReadsPickledWeightsWhereThereAreNoOthers) {
  const char* const names[] = {"model.safetensors", "pytorch_model.bin", "pytorch_model.bin.index.json"};
  const auto open_here = [&] { return Checkpoint::open(folder_.path(), names); };
  const auto pickled = [&](const char* file, const std::string& name) {
    testing::write_torch(folder_ / file, {{name, testing::random_stored({3, 2}, 1)}});
  };
  using Names = std::vector<std::string>;
  pickled("epoch_3.pt", "a");
  EXPECT_EQ(open_here().names(), Names{"a"});
  EXPECT_EQ(open_here().path(), folder_ / "epoch_3.pt");
  pickled("other.pth", "b");
  testing::expect_error(ErrorCode::not_found, "not several: epoch_3.pt, other.pth", open_here);
  write_text("pytorch_model.bin.index.json", R"({"weight_map":{"a":"model-1.bin","b":"model-2.bin"}})");
  pickled("model-1.bin", "a");
  pickled("model-2.bin", "b");
  EXPECT_EQ(open_here().names(), (Names{"a", "b"}));
  write_text("pytorch_model.bin.index.json", R"({"weight_map":{"a":"model-1.safetensors"}})");
  testing::expect_error(ErrorCode::corrupt, "the plain name of a .bin file", open_here);
  pickled("pytorch_model.bin", "c");
  EXPECT_EQ(open_here().names(), Names{"c"});
  write_shard("model.safetensors", {"d"});
  EXPECT_EQ(open_here().names(), Names{"d"});
}

TEST_F(CheckpointTest, DigestFollowsThePickledContent) {
  const auto digest = [&](std::uint64_t seed) {
    testing::write_torch(folder_ / "model.bin", {{"a", testing::random_stored({300, 20}, seed)}});
    return Checkpoint(folder_ / "model.bin").digest();
  };
  const auto first = digest(1);
  EXPECT_EQ(first.size(), 64U);
  EXPECT_EQ(digest(1), first);
  EXPECT_NE(digest(2), first);
}

TEST_F(CheckpointTest, DigestFollowsTheContent) {
  write_shard("model.safetensors", {"a", "b"}, 1);
  const auto first = open().digest();
  EXPECT_EQ(first.size(), 64U);
  EXPECT_EQ(open().digest(), first);
  write_shard("model.safetensors", {"a", "b"}, 2);
  const auto other_values = open().digest();
  EXPECT_NE(other_values, first);
  write_shard("model.safetensors", {"a", "c"}, 2);
  EXPECT_NE(open().digest(), other_values);
}

}  // namespace
}  // namespace beeld
