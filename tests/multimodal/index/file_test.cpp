#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <thread>

#include "core/base/files.h"
#include "multimodal/index/database.h"
#include "multimodal/index/paths.h"
#include "tests/multimodal/index/index_fixture.h"
#include "tests/support/expect_error.h"

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

TEST_F(IndexFile, HoldsTheEmbeddingsOfSeveralModels) {
  write_pictures(photos, 3);
  update();
  Indexer other(database, model.encoder("other"));
  EXPECT_EQ(other.size(), 0u);
  EXPECT_TRUE(other.search(embedding_of(colour_of(1)), 5, -2, {}).empty());
  EXPECT_EQ(other.update({photos}, {}).added, 3u);
  EXPECT_EQ(model.pictures, 6);

  // Neither has lost anything, and both see what becomes of the files.
  EXPECT_EQ(update().unchanged, 3u);
  EXPECT_EQ(other.update({photos}, {}).unchanged, 3u);
  EXPECT_EQ(model.pictures, 6);
  fs::rename(photos / "001.ppm", photos / "renamed.ppm");
  fs::copy_file(photos / "002.ppm", photos / "copy.ppm");
  fs::remove(photos / "000.ppm");
  EXPECT_EQ(update().renamed, 1u);
  for (const auto& fingerprint : {"fake", "other"}) {
    Indexer index(database, model.encoder(fingerprint));
    EXPECT_EQ(index.size(), 3u);
    const auto matches = index.search(embedding_of(colour_of(1)), 5, -2, {});
    ASSERT_EQ(matches.size(), 3u);
    EXPECT_EQ(matches[0].path, photos / "renamed.ppm");
    const auto summary = index.update({photos}, {});
    EXPECT_EQ(summary.unchanged, 3u);
    EXPECT_EQ(summary.missing, 1u);
  }
  EXPECT_EQ(model.pictures, 6);

  // A file that has changed is another picture for both.
  write_picture(photos / "renamed.ppm", {9, 8, 7});
  EXPECT_EQ(update().added, 1u);
  EXPECT_EQ(other.size(), 2u);
  EXPECT_EQ(other.update({photos}, {}).added, 1u);
}

TEST_F(IndexFile, ForgetsAModelWhenAsked) {
  write_pictures(photos, 3);
  update();
  Indexer other(database, model.encoder("other"));
  other.update({photos}, {});
  ASSERT_EQ(Index::models(database).size(), 2u);
  ASSERT_TRUE(fs::exists(vectors_file(database, 2)));
  expect_error(ErrorCode::not_found, "no embeddings of nobody",
               [&] { Index::drop_model(database, "nobody"); });
  Index::drop_model(database, "oth");
  ASSERT_EQ(Index::models(database).size(), 1u);
  EXPECT_EQ(Index::models(database)[0].fingerprint, "fake");
  EXPECT_FALSE(fs::exists(vectors_file(database, 2)));
  EXPECT_EQ(open().size(), 3u);
  expect_error(ErrorCode::invalid_argument, "started this index again", [&] { other.size(); });
  EXPECT_EQ(update().unchanged, 3u);
}

TEST_F(IndexFile, ReindexingReadsEverythingAgain) {
  write_pictures(photos, 3);
  update();
  EXPECT_EQ(open().update({photos}, {.reindex = true}).added, 3u);
  EXPECT_EQ(model.pictures, 6);
}

TEST_F(IndexFile, AnOpenIndexThatIsStartedAgainIsOpenedAnew) {
  write_pictures(photos, 3);
  auto index = open();
  index.update({photos}, {});
  update({.reindex = true});
  EXPECT_EQ(code_of([&] { index.search(embedding_of(colour_of(1)), 5, -2, {}); }),
            ErrorCode::invalid_argument);
  index.update({photos}, {});
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
  EXPECT_EQ(update({.reindex = true, .decoding = fast}).added, 3u);

  EXPECT_EQ(update({.reindex = true, .decoding = as_stored}).added, 3u);
  EXPECT_EQ(model.pictures, 9);
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

/// Replaces an index by what a former version would have made, without room for checksums.
void make_former_format(const std::filesystem::path& index, int version) {
  const auto aside = index.string() + ".former";
  {
    const Database file(aside, DatabaseAccess::create);
    file.execute(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;"
        "CREATE TABLE meta (library BLOB NOT NULL, model TEXT NOT NULL, fingerprint TEXT NOT NULL, dimension "
        "INTEGER NOT NULL, generation INTEGER NOT NULL, decoding TEXT) STRICT;"
        "CREATE TABLE pictures (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, "
        "mtime_ns INTEGER NOT NULL, hash BLOB NOT NULL, error BLOB) STRICT;"
        "CREATE INDEX pictures_by_hash ON pictures (hash);"
        "CREATE TABLE embeddings (picture INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE, "
        "vector "
        "BLOB NOT NULL) STRICT");
    file.prepare("ATTACH CAST(? AS TEXT) AS now").bind(std::string_view(index.native())).run();
    file.execute(
        "INSERT INTO meta SELECT library, name, fingerprint, dimension, generation, decoding FROM "
        "now.models");
    const StoredPaths paths(index);
    auto rows = file.prepare(
        "SELECT id, path, size, mtime_ns, hash, error FROM now.pictures JOIN now.embeddings "
        "ON picture = id");
    auto insert = file.prepare("INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?)");
    while (rows.step()) {
      const auto path = paths.known(rows.bytes(1));
      const auto error = rows.is_null(5) ? std::nullopt : std::optional(rows.bytes(5));
      insert
          .bind(rows.integer(0), std::string_view(path), rows.integer(2), rows.integer(3), rows.bytes(4),
                error)
          .run();
    }
    rows.reset();
    file.execute(
        "INSERT INTO embeddings SELECT picture, vector FROM now.embeddings WHERE vector IS NOT NULL");
    file.execute("DETACH now");
    if (version == 1) file.execute("ALTER TABLE meta DROP COLUMN decoding");
    file.execute("PRAGMA application_id = " + std::to_string(0x6265656c));
    file.execute("PRAGMA user_version = " + std::to_string(version));
    EXPECT_FALSE(file.has_checksums());
  }
  fs::rename(aside, index);
}

TEST_F(IndexFile, OfAFormerFormatKeepsItsEmbeddings) {
  for (const int version : {1, 2}) {
    fs::remove_all(photos);
    fs::remove(database);
    model.pictures = 0;
    write_pictures(photos, 3);
    write_file(photos / "bad.jpg", "no picture");
    update();
    make_former_format(database, version);
    EXPECT_EQ(found(colour_of(2)), photos / "002.ppm");
    const Database file(database, DatabaseAccess::read_only);
    EXPECT_EQ(file.integer("PRAGMA user_version"), 3);
    EXPECT_TRUE(file.has_checksums());
    EXPECT_EQ(file.integer("SELECT count(*) FROM pictures WHERE hex(path) GLOB hex('./photos/') || '*'"), 4);
    EXPECT_EQ(code_of([&] { update({.decoding = {.decoding = Decoding::fast}}); }),
              ErrorCode::invalid_argument);
    const auto summary = update();
    EXPECT_EQ(summary.unchanged, 3u) << "all files are read once more, and none is embedded";
    EXPECT_EQ(summary.unreadable.size(), 1u);
    EXPECT_EQ(model.pictures, 3);
    EXPECT_EQ(open().size(), 3u);
  }
}

TEST_F(IndexFile, OfAFormerFormatIsBroughtUpToDateByManyAtOnce) {
  write_pictures(photos, 20);
  update();
  make_former_format(database, 2);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(open().size(), 20u); });
  threads.clear();
  EXPECT_EQ(update().unchanged, 20u);
  EXPECT_EQ(model.pictures, 20);
}

TEST_F(IndexFile, MayBeMovedWithItsFolder) {
  write_pictures(photos, 3);
  const auto inside = photos / ".beeld.db";
  Indexer(inside, model.encoder()).update({photos}, {});
  fs::rename(photos, folder / "moved");
  const auto moved = folder / "moved";
  Indexer index(moved / ".beeld.db", model.encoder());
  auto matches =
      index.search(embedding_of(colour_of(1)), SearchOptions{.count = 1, .filter = {.folders = {moved}}});
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].path, moved / "001.ppm");
  EXPECT_EQ(index.update({moved}, {}).unchanged, 3u);
  EXPECT_EQ(model.pictures, 3);
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
      .execute("UPDATE embeddings SET vector = x'0000'; UPDATE models SET generation = 99");
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

TEST(StoredPaths, AreRelativeBelowTheIndexAndKeepTheirOrder) {
  for (const std::string index : {"/a/b/index.db", "/index.db"}) {
    const StoredPaths paths(index);
    const std::vector<std::string> known = {"/a/b",    "/a/b!/x", "/a/b/!x", "/a/b/c/d", "/a/b/\xff",
                                            "/a/b0/x", "/a/bc",   "/z/\x01", "/\xff"};
    std::vector<std::string> sorted = known;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(sorted, known);
    for (const auto& path : known) {
      EXPECT_EQ(paths.known(paths.stored(path)), path);
      EXPECT_EQ(paths.stored(path).starts_with("./"), index == "/index.db" || path.starts_with("/a/b/"))
          << path;
    }
    for (const auto& range : std::vector<PathRange>{{"/", "0"},
                                                    {"/a/b/", "/a/b0"},
                                                    {"/a/b", std::string("/a/b\0", 5)},
                                                    {"/a/b/c", "/a/b/d"},
                                                    {"/a/", "/a0"},
                                                    {"/a/b!", "/a/b/d"},
                                                    {"/a/b/c", "/z"}}) {
      std::vector<std::string> visited, expected;
      for (const auto& path : known)
        if (path >= range.first && path < range.end) expected.push_back(path);
      for (const auto& part : paths.stored(range)) {
        std::vector<std::string> in_part;
        for (const auto& path : known)
          if (const auto stored = paths.stored(path); stored >= part.first && stored < part.end)
            in_part.push_back(stored);
        std::sort(in_part.begin(), in_part.end());
        for (const auto& stored : in_part) visited.push_back(paths.known(stored));
      }
      EXPECT_EQ(visited, expected) << range.first << " to " << range.end;
    }
  }
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
