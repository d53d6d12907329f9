#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "multimodal/index/database.h"
#include "multimodal/index/indexer.h"
#include "multimodal/index/paths.h"
#include "tests/cli/command.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

namespace fs = std::filesystem;

// The command on folders that change, are large, or lie on a full disk.
class IndexStress : public CommandTest {
 protected:
  Finished index(const std::function<void(int)>& meanwhile = {}) {
    return run_program(beeld::testing::beeld_command().string(),
                       {"--threads", "2", "--model", model_.string(), "--json", "index", pictures_.string(),
                        "--db", database_.string(), "--prune"},
                       meanwhile);
  }

  void add_pixel(int number) const {
    std::string content = "P6 1 1 255\n";
    for (const int shift : {16, 8, 0}) content += static_cast<char>(number >> shift);
    std::ofstream(pictures_ / ("p" + std::to_string(number) + ".ppm"), std::ios::binary) << content;
  }

  std::int64_t ask(const std::string& sql) const {
    return Database(database_, DatabaseAccess::read_write).integer(sql);
  }

  /// The embeddings of pictures, by their paths.
  std::map<std::string, std::string> embeddings() const {
    const Database database(database_, DatabaseAccess::read_write);
    auto check = database.prepare("PRAGMA integrity_check");
    EXPECT_TRUE(check.step());
    EXPECT_EQ(check.bytes(0), "ok");
    check.reset();
    std::map<std::string, std::string> vectors;
    auto statement = database.prepare(
        "SELECT path, vector FROM pictures JOIN embeddings ON picture = id WHERE vector IS NOT NULL");
    const StoredPaths paths(database_);
    while (statement.step()) vectors.emplace(paths.known(statement.bytes(0)), statement.bytes(1));
    return vectors;
  }

  std::set<std::string> rows() const {
    std::set<std::string> paths;
    for (const auto& [path, vector] : embeddings()) paths.insert(path);
    return paths;
  }

  fs::path database_ = folder_ / "index.db";
};

TEST_F(IndexStress, AFolderMayChangeWhileItIsIndexed) {
  for (std::uint32_t i = 0; i < 200; ++i) add_picture("p" + std::to_string(i) + ".ppm", i);
  const auto finished = index([&](int) {
    while (!fs::exists(database_)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (int i = 199; i >= 100; --i) {
      const auto path = pictures_ / ("p" + std::to_string(i) + ".ppm");
      if (i % 4 == 0) fs::remove(path);
      if (i % 4 == 1) add_picture(path.filename(), static_cast<std::uint32_t>(1000 + i));
      if (i % 4 == 2) fs::resize_file(path, 20);
      if (i % 4 == 3) add_picture("new" + path.filename().string(), static_cast<std::uint32_t>(2000 + i));
    }
  });
  EXPECT_TRUE(finished.code == 0 || finished.code == 1) << finished.code << finished.err;
  EXPECT_EQ(finished.code == 1, !finished.line()["unreadable"].empty());

  const auto settled = index();
  EXPECT_EQ(settled.code, 1) << "some stay truncated";
  EXPECT_EQ(settled.line()["unreadable"].size(), 25u);
  std::set<std::string> expected;
  for (const auto& entry : fs::directory_iterator(pictures_))
    if (entry.file_size() > 20) expected.insert(entry.path().string());
  EXPECT_EQ(rows(), expected);

  // What was made while the folder changed is what a fresh index holds.
  const auto contents = embeddings();
  database_ = folder_ / "fresh.db";
  index();
  EXPECT_EQ(contents, embeddings());
}

TEST_F(IndexStress, ManyPicturesAreScannedQuicklyAgain) {
  const int count = ::getenv("BEELD_LONG_TESTS") ? 100'000 : 5'000;
  for (int i = 0; i < count; ++i) add_pixel(i);
  const auto first = index();
  ASSERT_EQ(first.code, 0) << first.err.substr(0, 2000);
  EXPECT_EQ(first.line()["added"], count);
  const auto generation = ask("SELECT generation FROM models");
  const auto again = index();
  EXPECT_EQ(again.line()["unchanged"], count);
  EXPECT_EQ(again.line()["added"], 0);
  EXPECT_EQ(ask("SELECT generation FROM models"), generation);
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const double seconds[] = {first.line()["seconds"], again.line()["seconds"]};
  std::printf("%d pictures: %.1f s, again %.2f s, at most %ld MB\n", count, seconds[0], seconds[1],
              usage.ru_maxrss / 1024);
  EXPECT_LT(seconds[1], seconds[0] / 3);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(usage.ru_maxrss / 1024, 400);
#endif
}

TEST_F(IndexStress, AFullDiskIsNamedAndLosesNothing) {
  const auto disk = folder_ / "disk";
  fs::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here: " << std::strerror(errno);
  struct Unmount {
    fs::path disk;
    ~Unmount() { ::umount2(disk.c_str(), MNT_DETACH); }
  } const unmount{disk};
  database_ = disk / "index.db";
  for (int i = 0; i < 300; ++i) add_pixel(i);
  ASSERT_EQ(index().code, 0);
  const auto committed = rows();
  ASSERT_EQ(committed.size(), 300u);

  // The more room is left, the later it ends: in the database, in its log, in the vectors beside it.
  for (int i = 300; i < 3000; ++i) add_pixel(i);
  bool failed = false;
  for (const std::uintmax_t room : {0, 100, 300}) {
    const auto space = fs::space(disk).available;
    std::ofstream(disk / "filler") << std::string(space - std::min(space, room * 1024), 'x');
    const auto full = index();
    if (full.code != 0) {
      failed = true;
      EXPECT_EQ(full.code, 2) << full.err;
      EXPECT_TRUE(full.names("index.db")) << full.err;
    }
    fs::remove(disk / "filler");
    const auto kept = rows();
    for (const auto& path : committed) EXPECT_TRUE(kept.contains(path)) << path;
  }
  EXPECT_TRUE(failed);
  ASSERT_EQ(::mount("none", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  const auto after = index();
  EXPECT_EQ(after.code, 0) << after.err;
  EXPECT_EQ(rows().size(), 3000u);

  // A search writes its vectors elsewhere then.
  fs::remove(vectors_file(database_));
  std::ofstream(disk / "filler") << std::string(fs::space(disk).available - 65536, 'x');
  const auto search = run({"search", "a dog", pictures_, "--db", database_, "--no-index", "--json"});
  EXPECT_EQ(search.code, 0) << search.err;
  EXPECT_FALSE(search.lines().empty());
  EXPECT_FALSE(fs::exists(vectors_file(database_)));

  // Not a byte is left, nor in the folder for temporary files.
  std::ofstream(disk / "more") << std::string(fs::space(disk).available, 'x');
  ASSERT_EQ(fs::space(disk).available, 0u);
  environment_["TMPDIR"] = disk.string();
  const auto full = run({"search", "a dog", pictures_, "--db", database_, "--no-index", "--json"});
  EXPECT_EQ(full.code, 0) << full.err;
  EXPECT_EQ(full.out, search.out);
}

}  // namespace beeld::testing
