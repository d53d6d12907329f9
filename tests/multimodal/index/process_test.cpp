#include <beeld/error.h>
#include <beeld/index.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "multimodal/index/database.h"
#include "tests/multimodal/index/index_fixture.h"

namespace beeld::testing {

namespace fs = std::filesystem;

// What happens to an index when processes die, meet or lack rights. The child of a death test starts this
// program again, and learns from the environment which folder its parent has made.
class IndexProcess : public ::testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const char* parent = ::getenv("BEELD_TEST_FOLDER");
    root = parent ? fs::path(parent) : own.path();
    ::setenv("BEELD_TEST_FOLDER", root.c_str(), 1);
    photos = root / "photos";
    database = root / "index.db";
    if (parent) return;
    fs::create_directory(photos);
    write_pictures(photos, 40);
  }

  void TearDown() override {
    if (root == own.path()) ::unsetenv("BEELD_TEST_FOLDER");
  }

  static void drop_rights() {
    if (::geteuid() != 0) return;
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(99);
  }

  TemporaryFolder own;
  fs::path root, photos, database;
  FakeModel model;
};

TEST_F(IndexProcess, SurvivesBeingKilled) {
  const auto die_in_the_sixth_batch = [&] {
    model.before_encoding = [&](std::span<const Pixels>) {
      if (model.calls != 6) return;
      // However slow the writing is: five batches were encoded, and three of them are waited for.
      const Database written(database, DatabaseAccess::read_only);
      for (int i = 0; i < 2000 && written.integer("SELECT count(*) FROM embeddings") < 12; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      ::kill(::getpid(), SIGKILL);
    };
    Indexer(database, model.encoder()).update({photos}, {.batch = 4});
  };
  EXPECT_EXIT(die_in_the_sixth_batch(), ::testing::KilledBySignal(SIGKILL), "");

  Indexer index(database, model.encoder());
  const auto kept = index.size();
  EXPECT_GE(kept, 12u);
  EXPECT_LE(kept, 20u);
  const auto summary = index.update({photos}, {});
  EXPECT_EQ(summary.added + kept, 40u);
  EXPECT_EQ(index.size(), 40u);
  EXPECT_EQ(model.pictures + kept, 40u);
}

TEST_F(IndexProcess, AFullDiskIsAnErrorAndLosesNothing) {
  const auto update_with_little_room = [&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200'000, 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(98);
    try {
      Indexer(database, model.encoder()).update({photos}, {.batch = 1});
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::io ? 0 : 97);
    }
    ::_exit(96);
  };
  EXPECT_EXIT(update_with_little_room(), ::testing::ExitedWithCode(0), "");
  Indexer index(database, model.encoder());
  index.update({photos}, {});
  EXPECT_EQ(index.size(), 40u);
}

TEST_F(IndexProcess, VectorsThatNoDiskHoldsAreAnErrorAndLeaveNothing) {
  if (!::getenv("BEELD_TEST_CHILD")) {
    Indexer(database, model.encoder()).update({photos}, {});
    fs::remove(vectors_file(database));
    ::setenv("BEELD_TEST_CHILD", "1", 1);
  }
  const auto search_with_little_room = [&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    Indexer index(database, model.encoder());
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(98);
    try {
      index.search(embedding_of(colour_of(11)), 3, -2, {});
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::io ? 0 : 97);
    }
    ::_exit(96);
  };
  EXPECT_EXIT(search_with_little_room(), ::testing::ExitedWithCode(0), "");
  ::unsetenv("BEELD_TEST_CHILD");
  for (const auto& entry : fs::directory_iterator(root))
    EXPECT_FALSE(entry.path().string().starts_with(vectors_file(database).string())) << entry.path();
  Indexer index(database, model.encoder());
  EXPECT_EQ(index.search(embedding_of(colour_of(11)), 3, -2, {}).size(), 3u);
}

TEST_F(IndexProcess, AReadOnlyIndexInAReadOnlyFolderCanBeSearched) {
  const char* child = ::getenv("BEELD_TEST_CHILD");
  if (!child) {
    Indexer(database, model.encoder()).update({photos}, {});
    fs::remove(vectors_file(database));
    ASSERT_FALSE(fs::exists(database.string() + "-wal"));
    ::chmod(database.c_str(), 0444);
    ::chmod(root.c_str(), 0555);
    ::setenv("BEELD_TEST_CHILD", "1", 1);
  }
  const auto search = [&] {
    drop_rights();
    Indexer index(database, model.encoder());
    const auto matches = index.search(embedding_of(colour_of(11)), 3, -2, {});
    if (matches.size() != 3 || matches[0].path != photos / "011.ppm") ::_exit(97);
    try {
      index.update({photos}, {});
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::io ? 0 : 96);
    }
    ::_exit(95);
  };
  EXPECT_EXIT(search(), ::testing::ExitedWithCode(0), "");
  ::unsetenv("BEELD_TEST_CHILD");
  ::chmod(root.c_str(), 0755);
}

TEST_F(IndexProcess, WrongVectorsInAReadOnlyFolderAreMadeAnewElsewhere) {
  const char* child = ::getenv("BEELD_TEST_CHILD");
  if (!child) {
    Indexer(database, model.encoder()).update({photos}, {});
    {
      std::fstream file(vectors_file(database), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-8, std::ios::end);
      file << "\x7f\x7f\x7f\x7f";
    }
    ::chmod(database.c_str(), 0444);
    ::chmod(root.c_str(), 0555);
    ::setenv("BEELD_TEST_CHILD", "1", 1);
  }
  const auto search = [&] {
    drop_rights();
    const Indexer index(database, model.encoder());
    const auto matches = index.search(embedding_of(colour_of(11)), 40, -2, {});
    ::_exit(matches.size() == 40 && matches[0].path == photos / "011.ppm" ? 0 : 97);
  };
  EXPECT_EXIT(search(), ::testing::ExitedWithCode(0), "");
  ::unsetenv("BEELD_TEST_CHILD");
  ::chmod(root.c_str(), 0755);
}

TEST_F(IndexProcess, AReadOnlyFolderHasItsIndexInTheCache) {
  ::setenv("XDG_CACHE_HOME", (root / "cache").c_str(), 1);
  const char* child = ::getenv("BEELD_TEST_CHILD");
  if (!child) {
    EXPECT_EQ(Index::default_file(photos), photos / ".beeld.db");
    fs::create_directory(root / "cache");
    ::chmod((root / "cache").c_str(), 0777);
    ::chmod(root.c_str(), 0755);
    ::chmod(photos.c_str(), 0555);
    ::setenv("BEELD_TEST_CHILD", "1", 1);
  }
  const auto locate = [&] {
    drop_rights();
    const auto file = Index::default_file(photos);
    const bool cached = file.parent_path() == root / "cache" / "beeld" && file.extension() == ".db";
    const bool stable = Index::default_file(photos / ".") == file && Index::default_file(root) != file;
    Indexer index(file, model.encoder());
    index.update({photos}, {});
    ::_exit(cached && stable && index.size() == 40 ? 0 : 97);
  };
  EXPECT_EXIT(locate(), ::testing::ExitedWithCode(0), "");
  ::unsetenv("BEELD_TEST_CHILD");
  ::chmod(photos.c_str(), 0755);
  ::unsetenv("XDG_CACHE_HOME");
}

TEST_F(IndexProcess, AnUnreadableFolderIsReportedAndItsPicturesKept) {
  const char* child = ::getenv("BEELD_TEST_CHILD");
  if (!child) {
    write_pictures(photos / "private", 3);
    write_pictures(photos / "listed", 2);
    write_picture(photos / "secret.ppm", {3, 77, 200});
    Indexer(database, model.encoder()).update({photos}, {});
    for (const auto& file : {database, vectors_file(database)}) ::chmod(file.c_str(), 0666);
    ::chmod(root.c_str(), 0777);
    ::chmod((photos / "private").c_str(), 0000);
    ::chmod((photos / "listed").c_str(), 0444);  // its names can be read, its files cannot be reached
    write_picture(photos / "secret.ppm", {3, 77, 201});
    fs::last_write_time(photos / "secret.ppm", fs::file_time_type::clock::now() + std::chrono::seconds(5));
    ::chmod((photos / "secret.ppm").c_str(), 0000);
    ::setenv("BEELD_TEST_CHILD", "1", 1);
  }
  const auto update = [&] {
    drop_rights();
    const auto summary = Indexer(database, model.encoder()).update({photos}, {.prune = true});
    const bool reported = summary.unreadable.size() == 3 && summary.unreadable[0].path == photos / "listed" &&
                          summary.unreadable[1].path == photos / "private" &&
                          summary.unreadable[2].path == photos / "secret.ppm";
    ::_exit(reported && summary.pruned == 0 && summary.missing == 0 && summary.unchanged == 40 ? 0 : 97);
  };
  EXPECT_EXIT(update(), ::testing::ExitedWithCode(0), "");
  ::unsetenv("BEELD_TEST_CHILD");
  for (const char* folder : {"private", "listed"}) ::chmod((photos / folder).c_str(), 0755);
  ::chmod((photos / "secret.ppm").c_str(), 0644);

  // What was refused is tried again although the file has not changed.
  const auto summary = Indexer(database, model.encoder()).update({photos}, {});
  EXPECT_TRUE(summary.unreadable.empty());
  EXPECT_EQ(summary.added, 1u);
  EXPECT_EQ(summary.unchanged, 45u);
}

TEST_F(IndexProcess, TwoUpdatesOfOneIndexMeet) {
  model.before_encoding = [](std::span<const Pixels>) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  const auto update = [&] { Indexer(database, model.encoder()).update({photos}, {.batch = 2}); };
  std::thread other(update);
  update();
  other.join();
  Indexer index(database, model.encoder());
  EXPECT_EQ(index.size(), 40u);
  EXPECT_EQ(index.update({photos}, {}).unchanged, 40u);
}

TEST_F(IndexProcess, SearchesWhileAnUpdateRuns) {
  Indexer index(database, model.encoder());
  Indexer other(database, model.encoder());
  std::size_t searches = 0;
  std::size_t before = 0;
  model.before_encoding = [&](std::span<const Pixels>) {
    for (const Indexer* searched : {&index, &other}) {
      const auto matches = searched->search(embedding_of(colour_of(5)), 100, -2, {});
      EXPECT_GE(matches.size(), before);
      before = matches.size();
    }
    ++searches;
  };
  index.update({photos}, {.batch = 4});
  EXPECT_EQ(searches, 10u);
  EXPECT_EQ(other.search(embedding_of(colour_of(5)), 100, -2, {}).size(), 40u);
}

TEST_F(IndexProcess, ALockedIndexIsWaitedFor) {
  Indexer(database, model.encoder()).update({photos}, {});
  write_picture(photos / "new.ppm", {77, 88, 99});
  const Database lock(database, DatabaseAccess::read_write);
  auto transaction = std::make_unique<Transaction>(lock, Transaction::Kind::write);
  std::thread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    transaction.reset();
  });
  EXPECT_EQ(Indexer(database, model.encoder()).update({photos}, {}).added, 1u);
  release.join();
}

}  // namespace beeld::testing
