#include "multimodal/data/shards.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "multimodal/data/class_names.h"
#include "tests/multimodal/data/shard_writer.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

using testing::Compression;
using Entry = testing::ShardEntry;

class Shards : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::vector<Entry>& entries,
                              Compression compression = Compression::none) {
    testing::write_shard(folder_ / name, entries, compression);
    return folder_ / name;
  }

  static std::vector<Sample> read_all(const std::vector<std::filesystem::path>& shards,
                                      ShardLimits limits = {}) {
    ShardReader reader(shards, limits);
    std::vector<Sample> samples;
    while (auto sample = reader.next()) samples.push_back(std::move(*sample));
    EXPECT_FALSE(reader.next()) << "the end must be stable";
    return samples;
  }

  static void expect_refused(const std::filesystem::path& shard, ErrorCode code, const std::string& fact,
                             ShardLimits limits = {}) {
    try {
      read_all({shard}, limits);
      ADD_FAILURE() << "accepted, expected: " << fact;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(fact), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(shard.filename().string()), std::string::npos) << error.what();
    }
  }

  static std::string text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

  testing::TemporaryFolder folder_;
};

TEST_F(Shards, GroupsNeighboursByKeyInOrder) {
  const auto shard = write("a.tar", {{"x/001.jpg", "JPG1"},
                                     {"x/001.txt", " a cat \r\n\nthe cat\n"},
                                     {"x/001.json", "{}"},
                                     {"x/002.cls", "17\n"},
                                     {"x/002.PNG", "PNG2"},
                                     {"y/002.webp", "WEBP3"},
                                     {"4.seg.png", "mask"},
                                     {"4.txt", "no picture"}});
  const auto samples = read_all({shard});
  ASSERT_EQ(samples.size(), 4U);
  EXPECT_EQ(samples[0].key, "x/001");
  EXPECT_EQ(samples[0].shard, shard);
  EXPECT_EQ(text(samples[0].image), "JPG1");
  EXPECT_EQ(samples[0].captions, (std::vector<std::string>{"a cat", "the cat"}));
  EXPECT_FALSE(samples[0].label);
  EXPECT_EQ(samples[1].key, "x/002");
  EXPECT_EQ(text(samples[1].image), "PNG2");
  EXPECT_EQ(samples[1].label, 17);
  EXPECT_EQ(samples[2].key, "y/002");
  EXPECT_EQ(samples[3].key, "4");
  EXPECT_TRUE(samples[3].image.empty()) << "4.seg.png is no picture of sample 4";
}

TEST_F(Shards, ReadsSeveralShardsPlainAndCompressed) {
  const auto plain = write("a.tar", {{"1.jpg", "one"}});
  const auto packed =
      write("b.tar.gz", {{"1.jpeg", "two"}, {"2.jpg", std::string(200000, 'x')}}, Compression::gzip);
  const auto empty = write("c.tar", {});
  const auto samples = read_all({plain, packed, empty, plain});
  ASSERT_EQ(samples.size(), 4U) << "equal keys of two shards are two samples";
  EXPECT_EQ(text(samples[1].image), "two");
  EXPECT_EQ(samples[2].image.size(), 200000U);
  EXPECT_EQ(samples[2].shard, packed);
}

TEST_F(Shards, IgnoresWhatIsNoFileWithAKey) {
  const auto shard = write("a.tar", {{"folder.jpg/", "", testing::EntryKind::folder},
                                     {"link.jpg", "", testing::EntryKind::link},
                                     {".hidden", "x"},
                                     {"README", "x"},
                                     {"../../1.jpg", "kept"}});
  const auto samples = read_all({shard});
  ASSERT_EQ(samples.size(), 1U);
  EXPECT_EQ(samples[0].key, "../../1") << "a key is only a name; nothing is unpacked";
}

TEST_F(Shards, AWrongSampleSaysWhyAndTheNextOnesAreRead) {
  const auto expect_problem = [&](std::vector<Entry> entries, const std::string& problem) {
    entries.insert(entries.end(), {{"2.jpg", "next"}, {"2.cls", "7"}});
    const auto samples = read_all({write("wrong.tar", entries)}, {.entry_bytes = 100});
    ASSERT_EQ(samples.size(), 2U) << problem;
    EXPECT_NE(samples[0].problem.find(problem), std::string::npos) << samples[0].problem;
    EXPECT_TRUE(samples[0].image.empty() && samples[0].captions.empty() && !samples[0].label) << problem;
    EXPECT_EQ(samples[1].problem, "");
    EXPECT_EQ(text(samples[1].image), "next");
    EXPECT_EQ(samples[1].label, 7);
  };
  expect_problem({{"1.jpg", "a"}, {"1.png", "b"}, {"1.txt", "c"}}, "two files of the kind picture");
  expect_problem({{"1.jpg", "a"}, {"1.txt", "b"}, {"1.txt", "c"}}, "two files of the kind txt");
  for (const auto* label : {"", "x", "1x", "-1", "1 2", "99999999999999999999"})
    expect_problem({{"1.jpg", "a"}, {"1.cls", label}}, "expected a class index");
  expect_problem({{"1.jpg", "a"},
                  {"1.txt",
                   "\xff\xfe"
                   "c"}},
                 "UTF-16");
  expect_problem({{"1.jpg", std::string(101, 'x')}}, "is 101 bytes, the limit is 100");
  EXPECT_EQ(read_all({write("fits.tar", {{"1.jpg", std::string(100, 'x')}})}, {.entry_bytes = 100}).size(),
            1U);
}

TEST_F(Shards, AByteOrderMarkBelongsToNoCaptionAndNoClass) {
  const auto samples = read_all({write("marks.tar", {{"1.txt",
                                                      "\xEF\xBB\xBF"
                                                      "a cat\n"},
                                                     {"1.cls",
                                                      "\xEF\xBB\xBF"
                                                      "3"}})});
  ASSERT_EQ(samples.size(), 1U);
  EXPECT_EQ(samples[0].captions, std::vector<std::string>{"a cat"});
  EXPECT_EQ(samples[0].label, 3);
}

TEST_F(Shards, AByteOrderMarkIsNoPartOfClassFilesAndSettings) {
  const auto classes = folder_ / "classes.tsv", settings = folder_ / "settings.json";
  write_file_atomically(classes,
                        "\xEF\xBB\xBF"
                        "0\tn0\tred, crimson\r\n1\tn1\tblue\r\n");
  EXPECT_EQ(read_class_names(classes), (std::vector<std::string>{"red", "blue"}));
  write_file_atomically(settings,
                        "\xEF\xBB\xBF"
                        "{\"a\": 1}");
  EXPECT_EQ(read_json(settings)["a"], 1);
  write_file_atomically(classes, std::string("\xff\xfe"
                                             "0\0\t\0",
                                             6));
  testing::expect_error(ErrorCode::unsupported, "UTF-16", [&] { read_class_names(classes); });
}

TEST_F(Shards, RefusesWhatIsNoShard) {
  expect_refused(folder_ / "absent.tar", ErrorCode::not_found, "does not exist");
  expect_refused(folder_.path(), ErrorCode::io, "not a regular file");
  write_file_atomically(folder_ / "empty.tar", "");
  expect_refused(folder_ / "empty.tar", ErrorCode::corrupt, "");
  write_file_atomically(folder_ / "text.tar", std::string(3000, 't'));
  expect_refused(folder_ / "text.tar", ErrorCode::corrupt, "truncated");
  write_file_atomically(folder_ / "text0.tar", std::string(3000, 't') + std::string(512, '\0'));
  expect_refused(folder_ / "text0.tar", ErrorCode::corrupt, "");
}

TEST_F(Shards, RefusesEveryTruncation) {
  const std::vector<Entry> entries{{"1.jpg", std::string(700, 'a')}, {"2.jpg", std::string(512, 'b')}};
  for (const auto compression : {Compression::none, Compression::gzip}) {
    const auto whole = read_file(write("whole.tar", entries, compression), 1u << 20);
    const std::size_t data_end = compression == Compression::none ? 512 + 1024 + 512 + 512 : whole.size() - 1;
    for (std::size_t length = 0; length <= data_end; length += 1 + length % 97) {
      write_file_atomically(folder_ / "cut.tar", whole.substr(0, length));
      SCOPED_TRACE("cut at " + std::to_string(length));
      testing::expect_error(ErrorCode::corrupt, "cut.tar", [&] { read_all({folder_ / "cut.tar"}); });
    }
    // A cut exactly between two entries.
    if (compression == Compression::none) {
      write_file_atomically(folder_ / "cut.tar", whole.substr(0, 512 + 1024));
      expect_refused(folder_ / "cut.tar", ErrorCode::corrupt, "truncated");
    }
  }
}

/// The size field of the first header replaced, its checksum made right again.
std::string with_size(std::string archive, const std::string& field) {
  archive.replace(124, 12, field);
  archive.replace(148, 8, "        ");
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(archive[i]);
  char digits[8];
  std::snprintf(digits, sizeof digits, "%06o", sum);
  archive.replace(148, 7, std::string(digits, 7));
  return archive;
}

TEST_F(Shards, RefusesASizeThatLies) {
  const auto whole = read_file(write("whole.tar", {{"1.jpg", "abc"}}), 1u << 20);
  const auto shard = folder_ / "lies.tar";
  const auto write_lie = [&](const std::string& field) -> const auto& {
    write_file_atomically(shard, with_size(whole, field));
    return shard;
  };
  EXPECT_EQ(text(read_all({write_lie(std::string("00000000003\0", 12))})[0].image), "abc");
  expect_refused(write_lie(std::string("00000100000\0", 12)), ErrorCode::corrupt, "");
  expect_refused(write_lie(std::string("77777777777\0", 12)), ErrorCode::corrupt, "");
  // In base 256: the largest number, and a negative one.
  expect_refused(write_lie("\x80" + std::string(3, '\0') + "\x7F" + std::string(7, '\xFF')),
                 ErrorCode::corrupt, "");
  testing::expect_error(ErrorCode::corrupt, "lies.tar",
                        [&] { read_all({write_lie(std::string(12, '\xFF'))}); });
}

TEST_F(Shards, EveryByteChangedIsReadOrRefused) {
  const auto whole =
      read_file(write("whole.tar", {{"1.jpg", "a"}, {"1.txt", "b"}, {"2.cls", "1"}}), 1u << 20);
  int refused = 0;
  for (std::size_t i = 0; i < 512; ++i) {
    auto changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x15);
    write_file_atomically(folder_ / "changed.tar", changed);
    try {
      EXPECT_LE(read_all({folder_ / "changed.tar"}).size(), 3U);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 200) << "a tar header has a checksum";
}

}  // namespace
}  // namespace beeld
