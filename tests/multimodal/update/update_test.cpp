#include <beeld/error.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

#include "tests/multimodal/index/index_fixture.h"
#include "tests/support/expect_error.h"

namespace beeld::testing {

namespace fs = std::filesystem;

using IndexUpdate = IndexTest;

TEST_F(IndexUpdate, EmbedsEveryPictureOnceAndFindsItByItsColour) {
  write_pictures(photos, 21);
  write_pictures(photos / "below", 3);  // copies of the first three
  write_file(photos / "notes.txt", "no picture");

  const auto first = update();
  EXPECT_EQ(first.found, 24u);
  EXPECT_EQ(first.added, 24u);
  EXPECT_TRUE(first.unreadable.empty());
  EXPECT_EQ(model.pictures, 21);
  EXPECT_EQ(open().size(), 24u);
  for (int i = 3; i < 21; ++i) {
    char name[32];
    std::snprintf(name, sizeof(name), "%03d.ppm", i);
    EXPECT_EQ(found(colour_of(i)), photos / name);
  }

  const auto second = update();
  EXPECT_EQ(second.added, 0u);
  EXPECT_EQ(second.unchanged, 24u);
  EXPECT_EQ(model.pictures, 21);
}

TEST_F(IndexUpdate, StoresUnitEmbeddingsOfTheRightPictures) {
  write_pictures(photos, 17);
  update();
  const auto [paths, rows] = open().read_all({});
  ASSERT_EQ(paths.size(), 17u);
  ASSERT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  for (int i = 0; i < 17; ++i) {
    const auto expected = embedding_of(colour_of(i));
    for (std::size_t d = 0; d < 5; ++d) EXPECT_NEAR(rows[i][d], expected[d], 1e-6);
  }
}

TEST_F(IndexUpdate, EmbedsAChangedFileAgain) {
  write_picture(photos / "a.ppm", {200, 10, 10});
  update();
  write_picture(photos / "a.ppm", {10, 10, 200});
  fs::last_write_time(photos / "a.ppm", fs::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(update().added, 1u);
  EXPECT_EQ(model.pictures, 2);
  EXPECT_EQ(open().size(), 1u);
  EXPECT_EQ(found({10, 10, 200}), photos / "a.ppm");
  EXPECT_EQ(found({200, 10, 10}), fs::path());
}

TEST_F(IndexUpdate, RecognisesATouchedFile) {
  write_pictures(photos, 1);
  update();
  fs::last_write_time(photos / "000.ppm", fs::file_time_type::clock::now() + std::chrono::seconds(5));
  for (int i = 0; i < 2; ++i) {
    const auto summary = update();
    EXPECT_EQ(summary.added, 0u);
    EXPECT_EQ(summary.unchanged, 1u);
  }
  EXPECT_EQ(model.pictures, 1);
}

TEST_F(IndexUpdate, RecognisesRenamedAndMovedFiles) {
  write_pictures(photos, 4);
  update();
  fs::create_directory(photos / "album");
  fs::rename(photos / "001.ppm", photos / "album" / "renamed.ppm");
  const auto summary = update();
  EXPECT_EQ(summary.renamed, 1u);
  EXPECT_EQ(summary.added, 0u);
  EXPECT_EQ(summary.missing, 0u);
  EXPECT_EQ(model.pictures, 4);
  EXPECT_EQ(open().size(), 4u);
  EXPECT_EQ(found(colour_of(1)), photos / "album" / "renamed.ppm");
}

TEST_F(IndexUpdate, TwoFilesCannotBothBeTheRenamedOne) {
  write_picture(photos / "old.ppm", {9, 9, 9});
  update();
  fs::copy_file(photos / "old.ppm", photos / "new1.ppm");
  fs::rename(photos / "old.ppm", photos / "new2.ppm");
  const auto summary = update();
  EXPECT_EQ(summary.renamed, 1u);
  EXPECT_EQ(summary.added, 1u);
  EXPECT_EQ(model.pictures, 1);
  EXPECT_EQ(open().size(), 2u);
}

TEST_F(IndexUpdate, SwappedFilesKeepTheirEmbeddingsApart) {
  write_picture(photos / "a.ppm", {200, 1, 1});
  write_picture(photos / "b.ppm", {1, 200, 1});
  update();
  write_picture(photos / "a.ppm", {1, 200, 1});
  write_picture(photos / "b.ppm", {200, 1, 1});
  const auto later = fs::file_time_type::clock::now() + std::chrono::seconds(5);
  fs::last_write_time(photos / "a.ppm", later);
  fs::last_write_time(photos / "b.ppm", later);
  update({.batch = 1});
  EXPECT_EQ(found({1, 200, 1}), photos / "a.ppm");
  EXPECT_EQ(found({200, 1, 1}), photos / "b.ppm");
}

TEST_F(IndexUpdate, ManyCopiesAreEncodedOnce) {
  for (int i = 0; i < 40; ++i) write_picture(photos / (std::to_string(i) + ".ppm"), {50, 60, 70});
  const auto summary = update({.batch = 4});
  EXPECT_EQ(summary.added, 40u);
  EXPECT_EQ(model.pictures, 1);
  EXPECT_EQ(open().size(), 40u);
}

TEST_F(IndexUpdate, RecordsABadPictureWithoutShiftingTheOthers) {
  write_pictures(photos, 10);
  write_file(photos / "0045.jpg", "this is not a picture");
  write_file(photos / "0055.ppm", "P6\n400 400\n255\nshort");
  write_file(photos / "empty.png", "");
  const auto first = update({.batch = 3});
  EXPECT_EQ(first.added, 10u);
  ASSERT_EQ(first.unreadable.size(), 3u);
  EXPECT_EQ(first.unreadable[0].path, photos / "0045.jpg");
  EXPECT_FALSE(first.unreadable[0].reason.empty());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(found(colour_of(i)).extension(), ".ppm") << i;
  EXPECT_EQ(found(colour_of(7)), photos / "007.ppm");

  // Known, and not read again.
  const auto second = update();
  ASSERT_EQ(second.unreadable.size(), 3u);
  EXPECT_EQ(second.unreadable[0].reason, first.unreadable[0].reason);
  EXPECT_EQ(second.added, 0u);

  // Until it changes.
  write_picture(photos / "0045.jpg", {1, 2, 3});
  const auto third = update();
  EXPECT_EQ(third.added, 1u);
  EXPECT_EQ(third.unreadable.size(), 2u);
  EXPECT_EQ(found({1, 2, 3}), photos / "0045.jpg");
}

/// How often files of a folder were opened since this was made.
class Openings {
 public:
  explicit Openings(const std::filesystem::path& folder) : events_(::inotify_init1(IN_NONBLOCK)) {
    ::inotify_add_watch(events_, folder.c_str(), IN_OPEN);
  }
  ~Openings() { ::close(events_); }

  std::size_t of_files() {
    std::size_t count = 0;
    alignas(inotify_event) char bytes[4096];
    for (ssize_t length = 0; (length = ::read(events_, bytes, sizeof bytes)) > 0;) {
      for (const char* at = bytes; at < bytes + length;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        count += event->len > 0 && (event->mask & IN_ISDIR) == 0;
        at += sizeof *event + event->len;
      }
    }
    return count;
  }

 private:
  int events_;
};

TEST_F(IndexUpdate, CopiesOfABadPictureDoNotWaitForEachOther) {
  for (int i = 0; i < 60; ++i) write_file(photos / (std::to_string(i) + ".jpg"), "\xFF\xD8\xFF\xE0 junk");
  Openings opened(photos);
  EXPECT_EQ(update({.batch = 2}).unreadable.size(), 60u);
  const auto times = opened.of_files();
  EXPECT_GE(times, 60u);
  EXPECT_LE(times, 2 * 60u) << "once to be recognised, and once more after the first was found to be bad";
}

TEST_F(IndexUpdate, APictureThatNeededMoreMemoryIsTriedAgain) {
  write_pictures(photos, 2);
  model.before_encoding = [](std::span<const Pixels>) {
    throw Error(ErrorCode::limit, "[load] not enough memory");
  };
  expect_error(ErrorCode::limit, "not enough memory", [&] { update(); });
  model.before_encoding = {};
  EXPECT_EQ(update().added, 2u);

  write_file(photos / "large.ppm", "P6\n60 60\n255\n" + std::string(60 * 60 * 3, 'x'));
  const auto usual = decode_memory();
  set_decode_memory(1 << 10);
  const auto little = update();
  set_decode_memory(usual);
  ASSERT_EQ(little.unreadable.size(), 1u);
  EXPECT_EQ(little.unreadable[0].path, photos / "large.ppm");
  const auto enough = update();
  EXPECT_EQ(enough.added, 1u);
  EXPECT_TRUE(enough.unreadable.empty());
}

TEST_F(IndexUpdate, APictureTheModelRefusesDoesNotHarmItsBatch) {
  write_pictures(photos, 9);
  write_picture(photos / "bad.ppm", {255, 255, 255});
  model.before_encoding = [](std::span<const Pixels> batch) {
    for (const auto& pixels : batch)
      if (pixels.values[0] == 255) throw std::runtime_error("too bright");
  };
  const auto summary = update({.batch = 5});
  EXPECT_EQ(summary.added, 9u);
  ASSERT_EQ(summary.unreadable.size(), 1u);
  EXPECT_EQ(summary.unreadable[0].path, photos / "bad.ppm");
  EXPECT_EQ(summary.unreadable[0].reason, "too bright");
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(found(colour_of(i)).empty());
}

TEST_F(IndexUpdate, AModelThatFailsAlwaysIsNotBlamedOnThePictures) {
  write_pictures(photos, 6);
  model.before_encoding = [](std::span<const Pixels>) { throw std::runtime_error("model is broken"); };
  EXPECT_THROW(update(), std::runtime_error);
  model.before_encoding = {};
  const auto summary = update();
  EXPECT_EQ(summary.added, 6u);
  EXPECT_TRUE(summary.unreadable.empty());
}

TEST_F(IndexUpdate, RefusesEmbeddingsThatAreNotFinite) {
  write_pictures(photos, 3);
  auto encoder = model.encoder();
  const auto encode = encoder.encode;
  encoder.encode = [&](std::span<const Pixels> batch) {
    auto rows = encode(batch);
    rows[0][2] = std::numeric_limits<float>::quiet_NaN();
    return rows;
  };
  const auto summary = Indexer(database, encoder).update({photos}, {.batch = 3});
  EXPECT_EQ(summary.added, 2u);
  EXPECT_EQ(summary.unreadable.size(), 1u);
}

TEST_F(IndexUpdate, HidesTheMissingUntilTheyReturnOrArePruned) {
  write_pictures(photos, 3);
  write_pictures(folder / "elsewhere", 5);
  open().update({photos, folder / "elsewhere"}, {});
  fs::remove(photos / "001.ppm");
  for (const std::size_t vanished : {1, 0}) {
    const auto summary = update();
    EXPECT_EQ(summary.missing, 1u);
    EXPECT_EQ(summary.vanished, vanished);
    EXPECT_EQ(open().size(), 7u);
    EXPECT_EQ(found(colour_of(1)), folder / "elsewhere" / "001.ppm");
    EXPECT_EQ(open().read_all({photos}).paths.size(), 2u);
  }
  fs::rename(photos, folder / "away");
  fs::create_directory(photos);
  EXPECT_EQ(update().missing, 3u) << "as when a disk is not there";
  EXPECT_EQ(open().size(), 5u);
  fs::remove(photos);
  fs::rename(folder / "away", photos);
  const auto returned = update();
  EXPECT_EQ(returned.unchanged, 2u);
  EXPECT_EQ(returned.missing, 1u);
  EXPECT_EQ(open().size(), 7u);
  EXPECT_EQ(model.pictures, 5);

  const auto pruned = update({.prune = true});
  EXPECT_EQ(pruned.pruned, 1u);
  EXPECT_EQ(pruned.missing, 0u);
  EXPECT_EQ(open().size(), 7u);

  // Only below the folders that were given.
  fs::remove(folder / "elsewhere" / "004.ppm");
  EXPECT_EQ(update({.prune = true}).pruned, 0u);
  expect_error(ErrorCode::not_found, "nowhere",
               [&] { open().update({folder / "nowhere"}, {.prune = true}); });
  EXPECT_EQ(open().size(), 7u);
}

TEST_F(IndexUpdate, ASearchNeverNamesAFileThatIsGone) {
  write_pictures(photos, 40);
  auto index = open();
  index.update({photos}, {});
  for (int i = 0; i < 35; ++i) {
    char name[32];
    std::snprintf(name, sizeof(name), "%03d.ppm", i);
    fs::remove(photos / name);
  }
  for (const std::size_t count : {1, 3, 5, 40}) {
    const auto matches = index.search(embedding_of(colour_of(7)), SearchOptions{.count = count});
    EXPECT_EQ(matches.size(), std::min<std::size_t>(count, 5)) << "no update has noticed";
    for (const auto& match : matches) EXPECT_TRUE(fs::exists(match.path));
  }
}

TEST_F(IndexUpdate, NoticesAChangeThatSetsSizeAndTimeBack) {
  write_picture(photos / "a.ppm", {200, 10, 10});
  update();
  const auto time = fs::last_write_time(photos / "a.ppm");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // clocks of file systems are coarse
  write_picture(photos / "a.ppm", {10, 10, 200});
  fs::last_write_time(photos / "a.ppm", time);
  EXPECT_EQ(update().added, 1u);
  EXPECT_EQ(found({10, 10, 200}), photos / "a.ppm");
}

TEST_F(IndexUpdate, KnowsWhichFailuresAreNew) {
  write_pictures(photos, 2);
  write_file(photos / "bad.jpg", "no picture");
  for (const bool known : {false, true, true}) {
    const auto summary = update();
    ASSERT_EQ(summary.unreadable.size(), 1u);
    EXPECT_EQ(summary.unreadable[0].known, known);
  }
}

TEST_F(IndexUpdate, ManyRenamedCopiesAreRecognisedEachOnce) {
  for (int i = 0; i < 40; ++i) write_picture(photos / ("old" + std::to_string(i) + ".ppm"), {50, 60, 70});
  update();
  for (int i = 0; i < 40; ++i)
    fs::rename(photos / ("old" + std::to_string(i) + ".ppm"), photos / ("new" + std::to_string(i) + ".ppm"));
  const auto summary = update({.batch = 4});
  EXPECT_EQ(summary.renamed, 40u);
  EXPECT_EQ(summary.missing, 0u);
  EXPECT_EQ(open().size(), 40u);
  EXPECT_EQ(model.pictures, 1);
}

// A copy is read once, although it waits for the first of its kind.
TEST_F(IndexUpdate, CopiesAreReadOnce) {
  for (int i = 0; i < 60; ++i) write_picture(photos / (std::to_string(i) + ".ppm"), {50, 60, 70});
  Openings opened(photos);
  EXPECT_EQ(update({.batch = 8}).added, 60u);
  EXPECT_EQ(opened.of_files(), 60u);
}

TEST_F(IndexUpdate, LeavesFilesForLaterThatAreBeingWritten) {
  write_pictures(photos, 2);
  write_file(photos / "half.ppm", "P6\n1 1\n");
  const auto is_half = [&](const fs::path& file) { return file == photos / "half.ppm"; };
  const auto summary = update({.postponed = is_half});
  EXPECT_EQ(summary.added, 2u);
  EXPECT_TRUE(summary.unreadable.empty());
  write_picture(photos / "half.ppm", {3, 3, 3});
  EXPECT_EQ(update().added, 1u);
}

TEST_F(IndexUpdate, CountsPicturesInFormatsThatAreNotRead) {
  write_pictures(photos, 1);
  for (const char* name : {"a.PSD", "b.psd", "c.svg", "notes.txt", ".hidden.psd"})
    write_file(photos / name, "x");
  const auto summary = update();
  EXPECT_EQ(summary.found, 1u);
  EXPECT_EQ(summary.unsupported, (std::map<std::string, std::size_t>{{"psd", 2}, {"svg", 1}}));
}

TEST_F(IndexUpdate, AcceptsNamesOfAnyBytes) {
  const std::string names[] = {"new\nline.ppm", "\xff\xfe invalid.ppm", "quote'\"%s;--.ppm",
                               "caf\xc3\xa9.PPM"};
  int number = 0;
  for (const auto& name : names) write_picture(photos / name, colour_of(++number));
  EXPECT_EQ(update().added, 4u);
  number = 0;
  for (const auto& name : names) EXPECT_EQ(found(colour_of(++number)), photos / name);
  EXPECT_EQ(update().unchanged, 4u);
}

TEST_F(IndexUpdate, CancellingKeepsWhatIsDone) {
  write_pictures(photos, 60);
  std::atomic<bool> stop = false;
  model.before_encoding = [&](std::span<const Pixels>) {
    if (model.calls < 3) return;
    stop = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  };
  const auto caller = std::this_thread::get_id();
  UpdateOptions options;
  options.batch = 4;
  options.cancelled = [&] {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    return stop.load();
  };
  const auto summary = update(options);
  EXPECT_TRUE(summary.cancelled);
  EXPECT_GE(summary.added, 8u);
  EXPECT_LT(summary.added, 60u);
  EXPECT_EQ(open().size(), summary.added);

  model.before_encoding = {};
  const auto rest = update();
  EXPECT_EQ(rest.added + summary.added, 60u);
  EXPECT_EQ(model.pictures, 60);
}

TEST_F(IndexUpdate, ReportsProgressFromTheCallersThread) {
  write_pictures(photos, 30);
  model.before_encoding = [](std::span<const Pixels>) {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  };
  std::vector<IndexProgress> steps;
  const auto caller = std::this_thread::get_id();
  UpdateOptions options;
  options.batch = 5;
  options.progress = [&](const IndexProgress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    steps.push_back(progress);
  };
  update(options);
  ASSERT_GE(steps.size(), 2u);
  for (std::size_t i = 1; i < steps.size(); ++i) EXPECT_GE(steps[i].done, steps[i - 1].done);
  EXPECT_EQ(steps.back().done, 30u);
  EXPECT_EQ(steps.back().total, 30u);
}

TEST_F(IndexUpdate, AnExceptionOfTheCallerEndsTheUpdate) {
  write_pictures(photos, 30);
  model.before_encoding = [](std::span<const Pixels>) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  UpdateOptions options;
  options.progress = [](const IndexProgress&) { throw std::logic_error("no"); };
  EXPECT_THROW(update(options), std::logic_error);
}

}  // namespace beeld::testing
