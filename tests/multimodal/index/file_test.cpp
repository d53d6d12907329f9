#include <beeld/error.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "core/base/files.h"
#include "multimodal/index/database.h"
#include "multimodal/index/paths.h"
#include "tests/multimodal/index/index_fixture.h"

namespace beeld::testing {

namespace fs = std::filesystem;

using IndexFile = IndexTest;

template <class Call>
ErrorCode code_of(const Call& call, std::string* message = nullptr) {
  try {
    call();
  } catch (const Error& error) {
    if (message) *message = error.what();
    return error.code();
  }
  ADD_FAILURE() << "no Error was thrown";
  return ErrorCode::io;
}

TEST_F(IndexFile, RefusesTheIndexOfAnotherModelUntilToldToStartAgain) {
  write_pictures(photos, 3);
  update();
  std::string message;
  EXPECT_EQ(code_of([&] { Indexer(database, model.encoder("other")); }, &message),
            ErrorCode::invalid_argument);
  for (const char* part : {"fake model", "(fake)", "(other)", "--reindex", "--db"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(open().size(), 3u);

  Indexer again(database, model.encoder("other"), OtherModel::start_again);
  EXPECT_EQ(again.size(), 0u);
  EXPECT_TRUE(again.search(embedding_of(colour_of(1)), 5, -2, {}).empty());
  EXPECT_EQ(again.update({photos}, {}).added, 3u);
  EXPECT_EQ(model.pictures, 6);
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::invalid_argument);
}

TEST_F(IndexFile, ReindexingKeepsTheIndexOfTheSameModel) {
  write_pictures(photos, 3);
  update();
  Indexer same(database, model.encoder(), OtherModel::start_again);
  EXPECT_EQ(same.size(), 3u);
  EXPECT_EQ(same.update({photos}, {.reindex = true}).unchanged, 3u);
}

TEST_F(IndexFile, NeverMixesInAnotherModelThatTookTheIndexOver) {
  write_pictures(photos, 3);
  auto index = open();
  index.update({photos}, {});
  Indexer(database, model.encoder("other"), OtherModel::start_again).update({photos}, {});
  EXPECT_EQ(code_of([&] { index.search(embedding_of(colour_of(1)), 5, -2, {}); }),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { index.update({photos}, {}); }), ErrorCode::invalid_argument);

  index.update({photos}, {.reindex = true});
  EXPECT_EQ(index.search(embedding_of(colour_of(1)), 5, -2, {}).size(), 3u);
}

TEST_F(IndexFile, RefusesANewerFormat) {
  open();
  const Database file(database, DatabaseAccess::read_write);
  const auto newer = file.integer("PRAGMA user_version") + 1;
  file.execute("PRAGMA user_version = " + std::to_string(newer));
  std::string message;
  EXPECT_EQ(code_of([&] { open(); }, &message), ErrorCode::unsupported);
  EXPECT_NE(message.find("newer beeld: format " + std::to_string(newer)), std::string::npos) << message;
}

TEST_F(IndexFile, NeverMixesPicturesThatAreDecodedDifferently) {
  write_pictures(photos, 3);
  const DecodeOptions fast{.decoding = Decoding::fast}, as_stored{.orientation = Orientation::ignore};
  update({.decoding = fast});
  std::string message;
  for (const auto& other : {DecodeOptions{}, as_stored}) {
    EXPECT_EQ(code_of([&] { update({.decoding = other}); }, &message), ErrorCode::invalid_argument);
    for (const char* part : {"--fast", "--no-exif", "--reindex", "--db"})
      EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  EXPECT_EQ(update({.decoding = fast}).unchanged, 3u);
  EXPECT_EQ(found(colour_of(2)), photos / "002.ppm") << "for searching it does not matter";
  EXPECT_EQ(update({.reindex = true, .decoding = fast}).unchanged, 3u);

  EXPECT_EQ(update({.reindex = true, .decoding = as_stored}).added, 3u);
  EXPECT_EQ(model.pictures, 6);
  EXPECT_EQ(found(colour_of(2)), photos / "002.ppm");
  EXPECT_EQ(code_of([&] { update({.decoding = fast}); }, &message), ErrorCode::invalid_argument);
}

TEST_F(IndexFile, AnUpdateThatWasOpenWhenTheDecodingChangedIsRefused) {
  write_pictures(photos, 3);
  auto index = open();
  index.update({photos}, {});
  update({.reindex = true, .decoding = {.decoding = Decoding::fast}});
  EXPECT_EQ(code_of([&] { index.update({photos}, {}); }), ErrorCode::invalid_argument);
  EXPECT_EQ(open().size(), 3u);
}

/// As the version before made it, which did not know how pictures were decoded.
void make_former_format(const std::filesystem::path& index) {
  Database(index, DatabaseAccess::read_write)
      .execute("ALTER TABLE meta DROP COLUMN decoding; PRAGMA user_version = 1");
}

TEST_F(IndexFile, OfTheFormerFormatCountsAsDecodedByDefault) {
  write_pictures(photos, 3);
  update();
  make_former_format(database);
  EXPECT_EQ(found(colour_of(2)), photos / "002.ppm");
  EXPECT_EQ(Database(database, DatabaseAccess::read_only).integer("PRAGMA user_version"), 1)
      << "reading changes nothing";
  EXPECT_EQ(code_of([&] { update({.decoding = {.decoding = Decoding::fast}}); }),
            ErrorCode::invalid_argument);
  EXPECT_EQ(update().unchanged, 3u);
  EXPECT_EQ(model.pictures, 3);
  EXPECT_EQ(Database(database, DatabaseAccess::read_only).integer("PRAGMA user_version"), 2);

  make_former_format(database);
  EXPECT_EQ(update({.reindex = true, .decoding = {.decoding = Decoding::fast}}).added, 3u);
  make_former_format(database);
  Indexer(database, model.encoder("other"), OtherModel::start_again);
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::invalid_argument);
}

TEST_F(IndexFile, RefusesAndKeepsWhatIsNotItsOwn) {
  write_file(database, "these are my notes, and they are longer than the header of a database, " +
                           std::string(200, 'x'));
  const auto before = read_file(database, 1000);
  EXPECT_EQ(code_of([&] { open(); }), ErrorCode::corrupt);
  EXPECT_EQ(read_file(database, 1000), before);

  const auto foreign = folder / "foreign.db";
  Database(foreign, DatabaseAccess::create).execute("CREATE TABLE bookmarks (url TEXT)");
  const auto bookmarks = read_file(foreign, 100000);
  EXPECT_EQ(code_of([&] { Indexer(foreign, model.encoder()); }), ErrorCode::corrupt);
  EXPECT_EQ(read_file(foreign, 100000), bookmarks);

  EXPECT_EQ(code_of([&] { Indexer(folder / "no" / "folder.db", model.encoder()); }), ErrorCode::io);
}

TEST_F(IndexFile, DamagedFilesAreErrorsAndNothingWorse) {
  write_pictures(photos, 30);
  update();
  const auto whole = read_file(database, 10'000'000);
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    auto bytes = whole;
    if (round % 5 == 0) bytes.resize(random() % bytes.size());
    for (int flips = 0; flips < 1 + round % 20 && !bytes.empty(); ++flips)
      bytes[random() % std::min<std::size_t>(bytes.size(), round % 2 ? 4096 : bytes.size())] =
          static_cast<char>(random());
    const auto damaged = folder / "damaged.db";
    for (const char* suffix : {"", "-wal", "-shm", ".vectors"}) fs::remove(damaged.string() + suffix);
    write_file(damaged, bytes);
    try {
      Indexer index(damaged, model.encoder());
      index.search(embedding_of(colour_of(3)), 5, -2, {});
      index.update({photos}, {});
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 20);
}

TEST_F(IndexFile, AnEmbeddingOfAnotherLengthIsCorrupt) {
  write_pictures(photos, 2);
  update();
  Database(database, DatabaseAccess::read_write)
      .execute("UPDATE embeddings SET vector = x'0000'; UPDATE meta SET generation = 99");
  EXPECT_EQ(code_of([&] { open().search(embedding_of(colour_of(1)), 5, -2, {}); }), ErrorCode::corrupt);
}

TEST_F(IndexFile, ItsNameMayBeAnything) {
  const auto odd = folder / "what? 100%#1\n\xff.db";
  Indexer(odd, model.encoder());
  EXPECT_TRUE(fs::exists(odd));
}

TEST_F(IndexFile, RunsNoSqlOfItsOwn) {
  write_pictures(photos, 2);
  update();
  Database(database, DatabaseAccess::read_write)
      .execute(
          "DROP TABLE embeddings; CREATE VIEW embeddings AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
          "SELECT x + 1 FROM c) SELECT x AS picture, zeroblob(3) AS vector FROM c WHERE x < 0; "
          "CREATE TRIGGER i INSTEAD OF INSERT ON embeddings BEGIN SELECT 1; END; "
          "CREATE TRIGGER d INSTEAD OF DELETE ON embeddings BEGIN SELECT 1; END");
  fs::remove(vectors_file(database));
  EXPECT_EQ(code_of([&] { open().search(embedding_of(colour_of(1)), 1, -2, {}); }), ErrorCode::corrupt);
}

TEST_F(IndexFile, APathThatIsNoneIsAnError) {
  EXPECT_EQ(code_of([] { Index::default_file(""); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { open().update({""}, {}); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { open().search(embedding_of(colour_of(1)), 1, -2, {""}); }),
            ErrorCode::invalid_argument);
}

TEST(PathRanges, AreComponentWiseDisjointAndAscending) {
  const auto contains = [](const std::vector<PathRange>& ranges, const std::string& path) {
    int count = 0;
    for (const auto& range : ranges) count += path >= range.first && path < range.end;
    return count;
  };
  const auto ranges = ranges_below({"/a/b", "/a/b/c", "/a/b-c", "/a/x/../b/"});
  EXPECT_EQ(contains(ranges, "/a/b"), 1);
  EXPECT_EQ(contains(ranges, "/a/b/photo"), 1);
  EXPECT_EQ(contains(ranges, "/a/b/c/photo"), 1);
  EXPECT_EQ(contains(ranges, "/a/b/\xff"), 1);
  EXPECT_EQ(contains(ranges, "/a/b-c/photo"), 1);
  EXPECT_EQ(contains(ranges, "/a/bc"), 0);
  EXPECT_EQ(contains(ranges, "/a/b c/photo"), 0);
  EXPECT_EQ(contains(ranges, "/a"), 0);
  for (std::size_t i = 1; i < ranges.size(); ++i) EXPECT_LE(ranges[i - 1].end, ranges[i].first);
  EXPECT_EQ(contains(ranges_below({}), "/any/thing"), 1);
  EXPECT_EQ(contains(ranges_below({"/a", "/"}), "/any/thing"), 1);
}

}  // namespace beeld::testing
