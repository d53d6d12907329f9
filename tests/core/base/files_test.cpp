#include "core/base/files.h"

#include "tests/support/temporary_folder.h"

#include <beeld/error.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

namespace beeld {
namespace {

class Files : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  template <typename Action>
  static ErrorCode code_of(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::io;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Files, ReadsAWholeFileUpToTheLimit) {
  write("a", std::string("x\0y", 3));
  EXPECT_EQ(read_file(folder_ / "a", 3), std::string("x\0y", 3));
  EXPECT_EQ(code_of([&] { read_file(folder_ / "a", 2); }), ErrorCode::limit);
  EXPECT_EQ(code_of([&] { read_file(folder_ / "b", 2); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { read_file(folder_.path(), 2); }), ErrorCode::io);
}

TEST_F(Files, ANamedPipeIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { read_file(folder_ / "pipe", 10); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { MappedFile(folder_ / "pipe"); }), ErrorCode::io);
}

TEST_F(Files, RefusesDeepOrWrongJson) {
  EXPECT_EQ(parse_json("[1]", "x")[0], 1);
  EXPECT_EQ(code_of([] { parse_json("[1", "x"); }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([] { parse_json("", "x"); }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([] { parse_json(std::string(1000000, '['), "x"); }), ErrorCode::corrupt);
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(64), "x"));
  try {
    parse_json(nested(66), "config.json");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "[json] config.json: nested deeper than 64");
  }
}

TEST_F(Files, WritesAtOnceAndLeavesNothingBehind) {
  write("a", "old");
  write_file_atomically(folder_ / "a", "new");
  EXPECT_EQ(read_file(folder_ / "a", 10), "new");
  const std::array<std::string_view, 3> parts{"one ", "", "two"};
  write_file_atomically(folder_ / "a", parts);
  EXPECT_EQ(read_file(folder_ / "a", 10), "one two");
  EXPECT_EQ(code_of([&] { write_file_atomically(folder_ / "absent" / "a", "x"); }), ErrorCode::not_found);

  std::filesystem::create_directories(folder_ / "full" / "inner");
  EXPECT_EQ(code_of([&] { write_file_atomically(folder_ / "full", "x"); }), ErrorCode::io);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(Files, WritesThroughALinkAndIntoAPipe) {
  write("file", "old");
  std::filesystem::create_symlink("file", folder_ / "link");
  write_file_atomically(folder_ / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "file", 10), "new");
  std::filesystem::create_symlink("absent", folder_ / "dangling");
  write_file_atomically(folder_ / "dangling", "there");
  EXPECT_EQ(read_file(folder_ / "dangling", 10), "there");

  const auto pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_file_atomically(pipe, "through");
  char content[16] = {};
  EXPECT_EQ(::read(reader, content, sizeof content), 7);
  EXPECT_EQ(std::string(content), "through");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  ::close(reader);
}

TEST_F(Files, RemovesOnlyWhatAKilledWriterLeft) {
  for (const char* name :
       {"a.json.tmp17.0", "b.tmp1.23", "mine.tmp", "mine.tmp17", "mine.tmp17.0.json", ".tmp1.2"})
    write(name, "half");
  std::filesystem::create_directories(folder_ / "folder.tmp1.2" / "mine");
  remove_unfinished_files(folder_.path());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.json.tmp17.0"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.tmp1.23"));
  for (const char* name : {"mine.tmp", "mine.tmp17", "mine.tmp17.0.json", ".tmp1.2", "folder.tmp1.2"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
}

TEST_F(Files, AMappingIsPrivate) {
  write("a", "abc");
  {
    const MappedFile file(folder_ / "a");
    ASSERT_EQ(file.bytes().size(), 3U);
    file.bytes()[0] = std::byte{'X'};
  }
  EXPECT_EQ(read_file(folder_ / "a", 10), "abc");
  write("empty", "");
  EXPECT_TRUE(MappedFile(folder_ / "empty").bytes().empty());
}

TEST(MappedFile, ReadsItsPagesAgainWhenTheyWereForgotten) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "file", "twelve bytes");
  const MappedFile file(folder / "file");
  file.bytes()[0] = std::byte{'X'};
  file.forget_pages();
  EXPECT_EQ(std::memcmp(file.bytes().data(), "twelve bytes", 12), 0);
}

}  // namespace
}  // namespace beeld
