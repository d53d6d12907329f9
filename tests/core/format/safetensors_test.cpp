#include "core/format/safetensors.h"

#include "tests/support/expect_error.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace beeld {
namespace {

/// A file of an honest length, the given header and `data` zero bytes.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  return content + header + std::string(data, '\0');
}

class Safetensors : public ::testing::Test {
 protected:
  SafetensorsFile open(const std::string& content) {
    const auto path = folder_ / "model.safetensors";
    std::ofstream(path, std::ios::binary) << content;
    return SafetensorsFile(path);
  }

  /// The file must be refused as `code`, with a message that names it and contains `fact`.
  void expect_refused(const std::string& content, const std::string& fact,
                      ErrorCode code = ErrorCode::corrupt) {
    try {
      open(content);
      ADD_FAILURE() << "accepted, expected: " << fact;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(fact), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("model.safetensors"), std::string::npos) << error.what();
    }
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Safetensors, ReadsTensorsAndMetadata) {
  auto content = file_of(R"({"__metadata__":{"format":"pt"},)"
                         R"("b":{"dtype":"F16","shape":[],"data_offsets":[8,10]},)"
                         R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                         R"("empty":{"dtype":"I64","shape":[0,7],"data_offsets":[8,8]}}   )",
                         10);
  const float values[2] = {1.5F, -2.0F};
  std::memcpy(content.data() + content.size() - 10, values, 8);

  const auto file = open(content);
  ASSERT_EQ(file.tensors().size(), 3U);
  const auto& a = file.tensors().at("a");
  EXPECT_EQ(a.dtype, DType::f32);
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{2, 1}));
  ASSERT_EQ(a.bytes.size(), 8U);
  EXPECT_EQ(std::memcmp(a.bytes.data(), values, 8), 0);
  EXPECT_TRUE(file.tensors().at("b").shape.empty());
  EXPECT_EQ(file.tensors().at("empty").bytes.size(), 0U);
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST_F(Safetensors, AnEntryKeepsItsBytesAlive) {
  TensorEntry entry;
  {
    const auto file = open(file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2));
    entry = file.tensors().at("a");
  }
  entry.bytes[1] = std::byte{7};
  EXPECT_EQ(entry.bytes[1], std::byte{7});
  EXPECT_EQ(
      open(file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2)).tensors().at("a").bytes[1],
      std::byte{0});
}

TEST_F(Safetensors, WritesWhatItReads) {
  const std::vector<float> wide{1, 2, 3, 4, 5, 6};
  const std::vector<std::uint8_t> narrow{7, 8, 9};
  const std::vector<double> widest{0.5};
  const auto path = folder_ / "written.safetensors";
  write_safetensors(path,
                    {{"a.narrow", {DType::u8, {3}, std::as_bytes(std::span(narrow))}},
                     {"b.wide", {DType::f32, {2, 3}, std::as_bytes(std::span(wide))}},
                     {"c.widest", {DType::f64, {}, std::as_bytes(std::span(widest))}}},
                    {{"format", "pt"}, {"quote", "\"\n"}});

  const SafetensorsFile file(path);
  EXPECT_EQ((8 + file.header().size()) % 64, 0U);
  EXPECT_EQ(file.metadata().at("quote"), "\"\n");
  for (const auto& [name, tensor] : file.tensors()) {
    const auto address = reinterpret_cast<std::uintptr_t>(tensor.bytes.data());
    EXPECT_EQ(address % size_of(tensor.dtype), 0U) << name;
  }
  const auto& read = file.tensors().at("b.wide");
  EXPECT_EQ(read.shape, (std::vector<std::int64_t>{2, 3}));
  ASSERT_EQ(read.bytes.size(), 24U);
  EXPECT_EQ(std::memcmp(read.bytes.data(), wide.data(), 24), 0);
  EXPECT_EQ(file.tensors().at("a.narrow").bytes[2], std::byte{9});
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1)
      << "a temporary file was left";
}

TEST_F(Safetensors, RefusesToWriteAWrongSize) {
  const std::vector<std::byte> bytes(7);
  const auto path = folder_ / "written.safetensors";
  testing::expect_error(ErrorCode::invalid_argument, "tensor a: expected 8 bytes, got 7", [&] {
    write_safetensors(path, {{"a", {DType::f32, {2}, bytes}}});
  });
  testing::expect_error(ErrorCode::invalid_argument, "expected a possible shape", [&] {
    write_safetensors(path, {{"a", {DType::u8, {-7}, bytes}}});
  });
  testing::expect_error(ErrorCode::invalid_argument, "no tensor may be named __metadata__", [&] {
    write_safetensors(path, {{"__metadata__", {DType::u8, {7}, bytes}}});
  });
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Safetensors, RefusesALyingLength) {
  expect_refused("", "expected at least 8 bytes");
  expect_refused("1234567", "the file has 7");
  const auto claims = [](std::uint64_t length) {
    std::string content(8, '\0');
    std::memcpy(content.data(), &length, 8);
    return content + "{}";
  };
  expect_refused(claims(3), "claims 3 bytes, the file has 2");
  expect_refused(claims(100'000'001), "the limit is 100000000");
  expect_refused(claims(std::uint64_t{4} << 30), "claims 4294967296 bytes");
  expect_refused(claims(~std::uint64_t{0}), "claims 18446744073709551615 bytes");
  expect_refused(claims(0), "begins with {");
}

TEST_F(Safetensors, RefusesWrongJson) {
  expect_refused(file_of("[]", 0), "begins with {");
  expect_refused(file_of("\xEF\xBB\xBF{}", 0), "begins with {");
  expect_refused(file_of(R"({"a")", 0), "not JSON");
  expect_refused(file_of("{}{}", 0), "not JSON");
  expect_refused(file_of(std::string("{}\0 ", 4), 0), "zero byte");
  expect_refused(file_of("{" + std::string(100000, '['), 0), "not JSON");
  expect_refused(file_of(R"({"a":)" + std::string(100000, '['), 0), "an array where it cannot be");
  expect_refused(file_of(R"({"\ud800":{}})", 0), "not JSON");
}

TEST_F(Safetensors, RefusesWrongFields) {
  const auto with = [](const std::string& fields) { return file_of(R"({"a":{)" + fields + "}}", 4); };
  expect_refused(file_of(R"({"a":1})", 0), "a number where it cannot be, at a");
  expect_refused(file_of(R"({"a":null})", 0), "null where it cannot be");
  expect_refused(with(R"("dtype":"F32","shape":[1])"), "lacks its dtype, shape or data_offsets");
  expect_refused(with(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"), "unknown field x");
  expect_refused(with(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"), "dtype twice");
  expect_refused(with(R"("dtype":3,"shape":[1],"data_offsets":[0,4])"), "a number where it cannot be");
  expect_refused(with(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "a negative number");
  expect_refused(with(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), "not an integer");
  expect_refused(with(R"("dtype":"F32","shape":[1e0],"data_offsets":[0,4])"), "not an integer");
  expect_refused(with(R"("dtype":"F32","shape":[NaN],"data_offsets":[0,4])"), "not JSON");
  expect_refused(with(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"), "an array where");
  expect_refused(with(R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])"), "a string where");
  expect_refused(with(R"("dtype":"F32","shape":[true],"data_offsets":[0,4])"), "a boolean where");
  expect_refused(with(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4])"),
                 "shape out of range");
  expect_refused(with(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), "expected 2 data_offsets, got 1");
  expect_refused(with(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])"), "more than 2 data_offsets");
  expect_refused(with(R"("dtype":"F32","shape":[1],"data_offsets":[-4,4])"), "a negative number");
  expect_refused(with(R"("dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4])"), "unsupported type F8_E4M3",
                 ErrorCode::unsupported);
}

TEST_F(Safetensors, RefusesDuplicatesAndWrongMetadata) {
  const std::string a = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  expect_refused(file_of("{" + a + "," + a + "}", 2), "the name a occurs twice");
  expect_refused(file_of(R"({"__metadata__":{"x":"1"},"__metadata__":{}})", 0), "occurs twice");
  expect_refused(file_of(R"({"__metadata__":{"x":"1","x":"2"}})", 0), "metadata key x occurs twice");
  expect_refused(file_of(R"({"__metadata__":{"x":1}})", 0), "a number where it cannot be");
  expect_refused(file_of(R"({"__metadata__":{"x":{}}})", 0), "an object where it cannot be");
  expect_refused(file_of(R"({"__metadata__":"x"})", 0), "a string where it cannot be");
}

TEST_F(Safetensors, RefusesWrongOffsets) {
  const auto tensor = [](const std::string& name, const std::string& shape, const std::string& offsets) {
    return "\"" + name + R"(":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
  };
  const auto pair = [&](const std::string& a, const std::string& b) {
    return file_of("{" + a + "," + b + "}", 8);
  };
  expect_refused(pair(tensor("a", "4", "0,4"), tensor("b", "5", "3,8")), "inside the data that ends at 4");
  expect_refused(pair(tensor("a", "3", "0,3"), tensor("b", "4", "4,8")), "behind a hole after");
  expect_refused(pair(tensor("a", "3", "1,4"), tensor("b", "4", "4,8")), "behind a hole after");
  expect_refused(pair(tensor("a", "3", "0,3"), tensor("b", "4", "3,7")), "cover 7 bytes of data");
  expect_refused(pair(tensor("a", "4", "0,4"), tensor("b", "5", "4,9")), "claims bytes 4 to 9 of 8");
  expect_refused(pair(tensor("a", "4", "0,4"), tensor("b", "4", "8,4")), "claims bytes 8 to 4");
  expect_refused(pair(tensor("a", "8", "0,8"), tensor("b", "0", "18446744073709551615,0")),
                 "claims bytes 18446744073709551615");
  expect_refused(pair(tensor("a", "8", "0,8"), tensor("b", "8", "0,8")), "inside the data");
  expect_refused(file_of("{}", 1), "cover 0 bytes of data, the file has 1");
}

TEST_F(Safetensors, RefusesASizeThatContradictsTheShape) {
  const auto with_shape = [](const std::string& shape) {
    return file_of(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,8]}})", 8);
  };
  EXPECT_NO_THROW(open(with_shape("[2]")));
  expect_refused(with_shape("[3]"), "need 12 bytes, its offsets give 8");
  expect_refused(with_shape("[4294967296,4294967296]"), "overflows");
  expect_refused(with_shape("[2305843009213693954]"), "overflows");
  expect_refused(with_shape("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]"), "out of range");
}

TEST_F(Safetensors, EveryByteFlippedIsReadOrRefused) {
  const auto honest =
      file_of(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F16","shape":[2,2],)"
              R"("data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})",
              11);
  int refused = 0;
  for (std::size_t i = 0; i < honest.size() - 11; ++i) {
    for (const int bit : {0, 1, 4, 7}) {
      auto content = honest;
      content[i] = static_cast<char>(content[i] ^ (1 << bit));
      try {
        const auto file = open(content);
        for (const auto& entry : file.tensors()) EXPECT_LE(entry.second.bytes.size(), 11U);
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(Safetensors, NamesAMissingFile) {
  try {
    SafetensorsFile(folder_ / "absent.safetensors");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST_F(Safetensors, ReadsAPublishedCheckpoint) {
  BEELD_NEED_SHARED("models/vit-tiny-p16-224/model.safetensors");
  const SafetensorsFile file(testing::shared_folder() / "models/vit-tiny-p16-224/model.safetensors");
  EXPECT_EQ(file.tensors().at("cls_token").shape, (std::vector<std::int64_t>{1, 1, 192}));
  EXPECT_EQ(file.tensors().at("head.weight").shape, (std::vector<std::int64_t>{1000, 192}));
}

}  // namespace
}  // namespace beeld
