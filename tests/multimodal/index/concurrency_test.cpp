#include <beeld/index.h>
#include <beeld/model.h>
#include <beeld/tokenizer.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>

#include "tests/multimodal/index/index_fixture.h"
#include "tests/support/pictures.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

namespace fs = std::filesystem;

// `./dev races` runs every suite whose name begins with Concurrent under the thread sanitizer.

/// Calls `work` in `count` threads that begin together.
template <class Work>
void at_once(int count, const Work& work) {
  std::latch begin(count);
  std::vector<std::jthread> threads;
  for (int number = 0; number < count; ++number) {
    threads.emplace_back([&, number] {
      begin.arrive_and_wait();
      work(number);
    });
  }
}

class ConcurrentModel : public ::testing::TestWithParam<WeightType> {
 protected:
  ConcurrentModel() {
    write_tiny_model(folder.path());
    for (std::uint32_t i = 0; i < 6; ++i) images.push_back(wave_picture(40 + static_cast<int>(i), 36, i));
  }

  Model load() const { return Model::load(folder.path(), {.weights = GetParam()}); }

  TemporaryFolder folder;
  std::vector<Image> images;
  std::vector<std::string> texts = {"a cat", "a red dog", "a photo of snow"};
};

// The towers are packed by the first calls, which come from all threads at once.
TEST_P(ConcurrentModel, AFreshModelServesManyThreads) {
  const auto sequential = load();
  const auto expected_images = sequential.encode_images(images).values;
  const auto expected_texts = sequential.encode_texts(texts).values;
  const auto expected_tokens = sequential.tokenizer().encode(texts[0]);
  for (int round = 0; round < 4; ++round) {
    const auto model = load();
    std::atomic<int> differ = 0;
    at_once(8, [&](int number) {
      const auto copy = std::make_unique<Model>(model);
      for (int time = 0; time < 3; ++time) {
        if ((number + time) % 2 == 0)
          differ += copy->encode_images(images).values != expected_images;
        else
          differ += copy->encode_texts(texts).values != expected_texts;
        differ += copy->tokenizer().encode(texts[0]) != expected_tokens;
      }
    });
    EXPECT_EQ(differ, 0);
  }
}

TEST_P(ConcurrentModel, EveryThreadHasBatchesOfItsOwn) {
  const auto model = load();
  std::vector<std::vector<float>> expected;
  for (std::size_t count = 1; count <= images.size(); ++count)
    expected.push_back(model.encode_images(std::span(images).first(count)).values);
  std::atomic<int> differ = 0;
  at_once(6, [&](int number) {
    for (std::size_t time = 0; time < images.size(); ++time) {
      const auto count = (static_cast<std::size_t>(number) + time) % images.size() + 1;
      differ += model.encode_images(std::span(images).first(count)).values != expected[count - 1];
    }
  });
  EXPECT_EQ(differ, 0);
}

std::string name_of(const ::testing::TestParamInfo<WeightType>& type) {
  if (type.param == WeightType::f32) return "f32";
  return type.param == WeightType::f16 ? "f16" : "int8";
}

INSTANTIATE_TEST_SUITE_P(Weights, ConcurrentModel,
                         ::testing::Values(WeightType::f32, WeightType::f16, WeightType::int8), name_of);

class ConcurrentIndex : public IndexTest {
 protected:
  /// Pictures that have no files.
  void write_rows(int count) {
    const Database connection(database, DatabaseAccess::read_write);
    const auto identity = model.encoder().model;
    PictureTable table(connection, identity, adopt_index(connection, identity));
    Transaction transaction(connection, Transaction::Kind::write);
    for (int i = 0; i < count; ++i)
      table.write({.path = "/photos/" + std::to_string(i) + ".jpg"}, embedding_of(colour_of(i)));
    table.advance_generation();
    transaction.commit();
  }
};

// With one object, and with an object for each thread, as processes have.
TEST_F(ConcurrentIndex, IsSearchedWhileItIsUpdated) {
  write_pictures(photos, 60);
  auto index = open();
  std::atomic<bool> done = false;
  at_once(5, [&](int number) {
    if (number == 0) {
      for (int time = 0; time < 3; ++time) {
        write_pictures(photos / std::to_string(time), 3);  // copies
        write_picture(photos / ("new" + std::to_string(time) + ".ppm"), {250, 3, time});
        index.update({photos}, {.batch = 4});
      }
      done = true;
      return;
    }
    auto own = open();
    const Indexer& searched = number % 2 == 0 ? own : index;
    std::size_t before = 0;
    do {
      const auto matches = searched.search(embedding_of(colour_of(number)), 1000, -2, {});
      EXPECT_GE(matches.size(), before) << "an update loses no picture";
      before = matches.size();
      const auto [paths, embeddings] = searched.read_all({});
      EXPECT_EQ(paths.size(), embeddings.rows);
      EXPECT_GE(searched.size(), paths.size());
    } while (!done);
  });
  EXPECT_EQ(index.size(), 60u + 3 * 4);
  EXPECT_EQ(index.search(embedding_of(colour_of(1)), 1000, -2, {}).size(), 72u);
}

TEST_F(ConcurrentIndex, IsSearchedWhileItStartsAgain) {
  write_pictures(photos, 20);
  auto index = open();
  index.update({photos}, {});
  std::atomic<bool> done = false;
  at_once(4, [&](int number) {
    if (number > 0) {
      do EXPECT_LE(index.search(embedding_of(colour_of(number)), 100, -2, {}).size(), 20u);
      while (!done);
      return;
    }
    for (const auto decoding : {Decoding::fast, Decoding::exact, Decoding::fast})
      index.update({photos}, {.reindex = true, .decoding = {.decoding = decoding}});
    done = true;
  });
  EXPECT_EQ(index.size(), 20u);
}

TEST_F(ConcurrentIndex, NobodyWaitsForASearchThatIsUnderWay) {
  write_pictures(photos, 20);
  auto index = open();
  index.update({photos}, {});
  const auto under_way = index.snapshot();
  const auto others = std::async(std::launch::async, [&] {
    EXPECT_EQ(index.search(embedding_of(colour_of(1)), 100, -2, {}).size(), 20u);
    write_picture(photos / "new.ppm", {250, 3, 7});
    index.update({photos}, {});
    EXPECT_EQ(index.search(embedding_of(colour_of(1)), 100, -2, {}).size(), 21u);
    EXPECT_EQ(index.size(), 21u);
    index.update({photos}, {.reindex = true, .decoding = {.decoding = Decoding::fast}});
  });
  ASSERT_EQ(others.wait_for(std::chrono::minutes(5)), std::future_status::ready);
  EXPECT_EQ(under_way.table().size(), 20u) << "it reads what was there when it began";
  EXPECT_EQ(index.search(embedding_of(colour_of(1)), 100, -2, {}).size(), 21u);
}

TEST_F(ConcurrentIndex, SeveralUpdatesMeet) {
  write_pictures(photos, 40);
  auto index = open();
  at_once(4, [&](int number) {
    if (number < 2)
      index.update({photos}, {.batch = 3});
    else
      open().update({photos}, {.prune = true, .batch = 5});
  });
  EXPECT_EQ(index.size(), 40u);
  EXPECT_EQ(update({}).unchanged, 40u);
}

TEST_F(ConcurrentIndex, IsMadeByManyAtOnce) {
  write_pictures(photos, 10);
  at_once(6, [&](int) { EXPECT_LE(open().size(), 10u); });
  EXPECT_EQ(update({}).added, 10u);
}

/// Run only by the test below, in a process of its own.
TEST_F(ConcurrentIndex, DISABLED_TheOtherProcess) {
  const char* root = ::getenv("BEELD_TEST_FOLDER");
  ASSERT_NE(root, nullptr);
  database = fs::path(root) / "index.db";
  for (const char* name : {"shared", "other"}) {
    update({});  // the empty folder of this process
    open().update({fs::path(root) / "photos" / name}, {.batch = 3});
    EXPECT_GE(open().search(embedding_of(colour_of(1)), 1000, -2, {}).size(), 1u);
  }
}

TEST_F(ConcurrentIndex, TwoProcessesUpdateAndSearch) {
  write_pictures(photos / "shared", 40);
  write_pictures(photos / "own", 30);
  write_pictures(photos / "other", 30);
  ::setenv("BEELD_TEST_FOLDER", folder.path().c_str(), 1);
  std::string program = "/proc/self/exe", filter = "--gtest_filter=ConcurrentIndex.DISABLED_TheOtherProcess",
              also = "--gtest_also_run_disabled_tests", brief = "--gtest_brief=1";
  char* arguments[] = {program.data(), filter.data(), also.data(), brief.data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, ::environ), 0);
  ::unsetenv("BEELD_TEST_FOLDER");

  int status = 0;
  std::size_t before = 0;
  auto index = open();
  while (::waitpid(child, &status, WNOHANG) == 0) {
    for (const char* name : {"shared", "own"}) index.update({photos / name}, {.batch = 2});
    const auto found = index.search(embedding_of(colour_of(2)), 1000, -2, {}).size();
    EXPECT_GE(found, before);
    before = found;
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  const auto summary = update({});
  EXPECT_EQ(summary.unchanged, 100u);
  EXPECT_EQ(open().search(embedding_of(colour_of(2)), 1000, -2, {}).size(), 100u);
}

}  // namespace beeld::testing
