#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>

#include "core/base/checksum.h"
#include "core/base/files.h"
#include "multimodal/index/check.h"
#include "tests/multimodal/index/index_fixture.h"
#include "tests/support/expect_error.h"

namespace beeld::testing {

namespace fs = std::filesystem;

TEST(Checksum, TellsEveryChangeOfAByte) {
  std::mt19937 random(3);
  for (const std::size_t size : {0, 1, 7, 8, 63, 64, 65, 200, 1024}) {
    std::vector<std::byte> bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    const auto sum = checksum(bytes);
    EXPECT_EQ(checksum(bytes), sum);
    EXPECT_NE(checksum(bytes, 1), sum);
    std::set<std::uint64_t> sums = {sum};
    for (std::size_t i = 0; i < size; ++i) {
      auto changed = bytes;
      changed[i] ^= std::byte{1};
      sums.insert(checksum(changed));
    }
    auto longer = bytes;
    longer.push_back(std::byte{0});
    sums.insert(checksum(longer));
    EXPECT_EQ(sums.size(), size + 2);
  }
}

/// An index of a few hundred pictures, and what searches of it should find.
class IndexDamage : public IndexTest {
 protected:
  static constexpr int count = 300;

  void SetUp() override {
    IndexTest::SetUp();
    write_pictures(photos, count);
    for (int i = 0; i < 20; ++i)
      write_picture(photos / "below" / (std::to_string(i) + ".ppm"), colour_of(1000 + i));
    update();
    expected_ = answers(database);
    whole_ = {read_file(database, 100'000'000), read_file(vectors_file(database), 100'000'000)};
  }

  struct Answer {
    std::string path;
    float score;
    bool operator==(const Answer&) const = default;
  };

  /// Of searches in all pictures and below a folder, and all embeddings.
  std::vector<Answer> answers(const fs::path& index) {
    std::vector<Answer> all;
    const Indexer opened(index, model.encoder());
    for (const auto& folders : {std::vector<fs::path>{}, {photos / "below"}})
      for (const int colour : {3, 150, 1007})
        for (const auto& match : opened.search(embedding_of(colour_of(colour)), 25, -2, folders))
          all.push_back({match.path.string(), match.score});
    const auto [paths, rows] = opened.read_all({});
    for (std::size_t i = 0; i < paths.size(); ++i) all.push_back({paths[i].string(), rows[i][0]});
    return all;
  }

  void restore() {
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(database.string() + suffix);
    write_file(database, whole_[0]);
    write_file(vectors_file(database), whole_[1]);
  }

  static void flip(std::string& bytes, std::size_t at, std::mt19937& random) {
    bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1 + random() % 255));
  }

  std::vector<Answer> expected_;
  std::vector<std::string> whole_;
};

TEST_F(IndexDamage, OfTheDatabaseIsRightOrCorruptNeverSilentlyOther) {
  std::mt19937 random(1);
  int corrupt = 0;
  for (int round = 0; round < 500; ++round) {
    restore();
    auto bytes = whole_[0];
    const auto at = random() % bytes.size();
    flip(bytes, at, random);
    write_file(database, bytes);
    if (round % 2 == 0) fs::remove(vectors_file(database));
    try {
      EXPECT_EQ(answers(database), expected_) << "byte " << at;
    } catch (const Error& error) {
      ++corrupt;
      EXPECT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported)
          << error.what();
    }
  }
  EXPECT_GT(corrupt, 250) << "of what the searches read";
}

TEST_F(IndexDamage, OfTheVectorsIsMendedOnTheWay) {
  std::mt19937 random(2);
  int rewritten = 0;
  for (int round = 0; round < 500; ++round) {
    auto bytes = whole_[1];
    const auto at = random() % bytes.size();
    flip(bytes, at, random);
    write_file(vectors_file(database), bytes);
    EXPECT_EQ(answers(database), expected_) << "byte " << at;
    rewritten += read_file(vectors_file(database), 100'000'000) == whole_[1];
  }
  EXPECT_EQ(rewritten, 500);
}

TEST_F(IndexDamage, FiveHundredBytesAtOnceAreNoDifferent) {
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    restore();
    auto bytes = whole_[round % 2];
    for (int i = 0; i < 500; ++i) flip(bytes, random() % bytes.size(), random);
    write_file(round % 2 ? vectors_file(database) : database, bytes);
    try {
      EXPECT_EQ(answers(database), expected_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
    }
  }
}

TEST_F(IndexDamage, ACheckKeepsWhatIsWhole) {
  const auto whole = check_index(database);
  EXPECT_FALSE(whole.damaged);
  EXPECT_EQ(whole.pictures, 320u);
  EXPECT_EQ(whole.embeddings, 320u);
  std::mt19937 random(4);
  std::size_t kept = 0;
  constexpr int rounds = 40;
  for (int round = 0; round < rounds; ++round) {
    restore();
    auto bytes = whole_[0];
    for (int i = 0; i <= round % 4; ++i) flip(bytes, 100 + random() % (bytes.size() - 100), random);
    write_file(database, bytes);
    const auto checked = check_index(database);
    kept += checked.embeddings;
    EXPECT_FALSE(check_index(database).damaged) << "it has been mended";
    const auto before = model.pictures.load();
    const auto summary = update();
    EXPECT_EQ(summary.found, 320u);
    EXPECT_LE(model.pictures - before, 320 - static_cast<int>(checked.embeddings)) << "what was kept is used";
    EXPECT_EQ(answers(database), expected_) << round;
  }
  EXPECT_GT(kept, rounds * 320 / 2);
  EXPECT_FALSE(fs::exists(database.string() + ".rescue"));
}

TEST_F(IndexDamage, AWrongRowIsFoundThoughItsPageIsRight) {
  Database(database, DatabaseAccess::read_write)
      .execute(
          "UPDATE embeddings SET vector = (SELECT vector FROM embeddings WHERE picture = 2) WHERE picture = "
          "1");
  fs::remove(vectors_file(database));
  expect_error(ErrorCode::corrupt, "--check", [&] { answers(database); });
  EXPECT_EQ(check_index(database).embeddings, 319u);
  const auto summary = update();
  EXPECT_EQ(summary.unchanged, 319u);
  EXPECT_EQ(summary.added, 1u);
  EXPECT_EQ(answers(database), expected_);
}

TEST_F(IndexDamage, ACutOffFileIsCorrupt) {
  for (const std::size_t left : {std::size_t{50}, std::size_t{16384}, whole_[0].size() / 2}) {
    restore();
    write_file(database, whole_[0].substr(0, left));
    expect_error(ErrorCode::corrupt, "", [&] { answers(database); });
  }
}

TEST_F(IndexDamage, WhatIsNoIndexIsNotMended) {
  write_file(database, "these are my notes, " + std::string(300, 'x'));
  fs::remove(vectors_file(database));
  expect_error(ErrorCode::corrupt, "", [&] { check_index(database); });
  EXPECT_TRUE(read_file(database, 1000).starts_with("these are my notes"));
  Database(folder / "foreign.db", DatabaseAccess::create).execute("CREATE TABLE bookmarks (url TEXT)");
  expect_error(ErrorCode::corrupt, "not an index", [&] { check_index(folder / "foreign.db"); });
}

}  // namespace beeld::testing
