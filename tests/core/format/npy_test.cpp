#include "core/format/npy.h"

#include "tests/support/npy.h"
#include "tests/support/temporary_folder.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>

namespace beeld {
namespace {

class Npy : public ::testing::Test {
 protected:
  Matrix read(const std::string& content) {
    std::ofstream(folder_ / "m.npy", std::ios::binary) << content;
    return read_npy(folder_ / "m.npy");
  }

  static std::string file_of(const std::string& header, std::size_t data) {
    std::string content("\x93NUMPY\x01\0", 8);
    content += static_cast<char>(header.size() & 0xff);
    content += static_cast<char>(header.size() >> 8);
    return content + header + std::string(data, '\0');
  }

  void expect_refused(const std::string& content, ErrorCode code, const std::string& fact) {
    try {
      read(content);
      ADD_FAILURE() << "accepted, expected: " << fact;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(fact), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(".npy: "), std::string::npos) << error.what();
    }
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Npy, WritesWhatNumpyWould) {
  Matrix matrix(2, 3);
  matrix.values = {1, 2, 3, 4, 5, -0.5F};
  write_npy(folder_ / "m.npy", matrix);

  const auto independent = testing::read_npy(folder_ / "m.npy");
  EXPECT_EQ(independent.shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(independent.values, (std::vector<double>{1, 2, 3, 4, 5, -0.5}));
  EXPECT_EQ(std::filesystem::file_size(folder_ / "m.npy"), 128U + 24U);

  const auto back = read_npy(folder_ / "m.npy");
  EXPECT_EQ(back.rows, 2U);
  EXPECT_EQ(back.columns, 3U);
  EXPECT_EQ(back.values, matrix.values);
}

TEST_F(Npy, KeepsAnEmptyMatrix) {
  write_npy(folder_ / "m.npy", Matrix(0, 5));
  const auto back = read_npy(folder_ / "m.npy");
  EXPECT_EQ(back.rows, 0U);
  EXPECT_EQ(back.columns, 5U);
}

TEST_F(Npy, AcceptsOtherSpellingsOfTheSameHeader) {
  const auto matrix = read(file_of("{\"shape\":(1,2),'descr':'<f4','fortran_order':False}\n", 8));
  EXPECT_EQ(matrix.columns, 2U);
}

TEST_F(Npy, RefusesOtherKindsByName) {
  const auto header = [](const std::string& descr, const std::string& order, const std::string& shape) {
    return file_of("{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n",
                   8);
  };
  EXPECT_NO_THROW(read(header("<f4", "False", "(1, 2)")));
  expect_refused(header("<f8", "False", "(1, 1)"), ErrorCode::unsupported, "<f8");
  expect_refused(header("|O", "False", "(1, 1)"), ErrorCode::unsupported, "|O");
  expect_refused(header("<f4", "True", "(1, 2)"), ErrorCode::unsupported, "C order");
  expect_refused(header("<f4", "False", "(2,)"), ErrorCode::unsupported, "2 dimensions");
  expect_refused(header("<f4", "False", "()"), ErrorCode::unsupported, "2 dimensions");
  expect_refused(header("<f4", "False", "(1, 2, 1)"), ErrorCode::unsupported, "2 dimensions");
}

TEST_F(Npy, RefusesHostileFiles) {
  const auto shape = [](const std::string& text) {
    return file_of("{'descr': '<f4', 'fortran_order': False, 'shape': " + text + ", }\n", 8);
  };
  expect_refused("", ErrorCode::corrupt, "expected a .npy file");
  expect_refused("\x93NUMPY", ErrorCode::corrupt, "expected a .npy file");
  expect_refused(std::string("\x93NUMPY\x01\0\xff\xff{}", 12), ErrorCode::corrupt, "claims 65535 bytes");
  expect_refused(std::string("\x93NUMPY\x02\0\xff\xff", 10), ErrorCode::corrupt, "truncated");
  expect_refused(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14), ErrorCode::corrupt, "4294967295");
  expect_refused(std::string("\x93NUMPY\x09\0\0\0", 10), ErrorCode::unsupported, "format 1 to 3");
  expect_refused(shape("(1, 3)"), ErrorCode::corrupt, "does not fit");
  expect_refused(shape("(4611686018427387905, 1)"), ErrorCode::corrupt, "does not fit");
  expect_refused(shape("(18446744073709551616, 1)"), ErrorCode::corrupt, "expected a dimension");
  expect_refused(shape("(-1, 2)"), ErrorCode::corrupt, "expected a dimension");
  expect_refused(shape("(1, 2"), ErrorCode::corrupt, "header");
  expect_refused(file_of("", 8), ErrorCode::corrupt, "expected {");
  expect_refused(file_of("{}", 8), ErrorCode::corrupt, "expected descr");
  expect_refused(file_of("{'descr", 8), ErrorCode::corrupt, "a string has no end");
  expect_refused(file_of("{'evil': '<f4'}", 8), ErrorCode::corrupt, "unknown key evil");
}

}  // namespace
}  // namespace beeld
