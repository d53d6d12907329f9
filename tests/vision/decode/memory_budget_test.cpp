#include "vision/decode/memory_budget.h"
#include "tests/support/expect_error.h"
#include "tests/support/source_tree.h"

#include <beeld/error.h>
#include <beeld/image.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace beeld {
namespace {

/// The limit of the process, put back afterwards.
class DecodeMemory : public ::testing::Test {
 protected:
  ~DecodeMemory() override { set_decode_memory(before_); }

 private:
  std::int64_t before_ = decode_memory();
};

TEST_F(DecodeMemory, IsNeverExceededByManyThreads) {
  set_decode_memory(100);
  std::atomic<std::int64_t> taken = 0, most = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        MemoryLease lease;
        lease.take(40);
        const auto now = taken += 40;
        for (auto seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        taken -= 40;
      }
    });
  }
  threads.clear();
  EXPECT_LE(most, 80);
  EXPECT_EQ(taken, 0);
}

TEST_F(DecodeMemory, RefusesAPictureThatAloneNeedsMore) {
  set_decode_memory(8 * 100 * 100 - 1);
  const std::string file = "P5 100 100 255\n" + std::string(100 * 100, 'x');
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  try {
    decode_image(bytes, {}, "large.pgm");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
    EXPECT_NE(std::string(error.what()).find("large.pgm: 100x100 pixels take"), std::string::npos)
        << error.what();
  }
  set_decode_memory(8 * 100 * 100);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(decode_image(bytes, {}, "fits.pgm").width, 100);
}

std::int64_t least_memory(const std::string& picture, const DecodeOptions& options = {}) {
  const auto fits = [&](std::int64_t bytes) {
    set_decode_memory(bytes);
    try {
      return load_image(beeld::testing::source_folder() / picture, options).width > 0;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::limit) << error.what();
      return false;
    }
  };
  std::int64_t small = 0, enough = 1 << 30;
  while (enough - small > 1) {
    const auto middle = (small + enough) / 2;
    (fits(middle) ? enough : small) = middle;
  }
  return enough;
}

TEST_F(DecodeMemory, CountsWhatADecoderHolds) {
  const auto bytes_of_pixel = [](const std::string& name) {
    const std::string picture = "tests/vision/decode/pictures/" + name;
    const auto image = load_image(beeld::testing::source_folder() / picture);
    const auto bytes = least_memory(picture);
    set_decode_memory(1 << 30);
    return bytes / image.width / image.height;
  };
  EXPECT_EQ(bytes_of_pixel("type6_8bit.png"), 8);
  EXPECT_EQ(bytes_of_pixel("type6_16bit.png"), 16);
  EXPECT_EQ(bytes_of_pixel("baseline.jpg"), 8);
  EXPECT_EQ(bytes_of_pixel("progressive.jpg"), 8 + 2 * 3);
  const std::string large = "data/gallery/blue-train-on-the-grass.jpg";
  EXPECT_EQ(least_memory(large), 4 * least_memory(large, {.decoding = Decoding::fast, .target_edge = 30}));
}

TEST_F(DecodeMemory, IsGivenBackWhenDecodingFails) {
  set_decode_memory(8 * 100 * 100);
  const std::string cut = "P5 100 100 255\n" + std::string(10, 'x');
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(cut.data()), cut.size());
  for (int i = 0; i < 3; ++i)
    testing::expect_error(ErrorCode::corrupt, "cut.pgm", [&] { decode_image(bytes, {}, "cut.pgm"); });
}

}  // namespace
}  // namespace beeld
