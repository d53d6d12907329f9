#include "multimodal/index/scan.h"

#include <beeld/matrix.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <functional>
#include <random>

#include "core/base/files.h"
#include "core/kernels/half.h"
#include "multimodal/index/indexer.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

namespace fs = std::filesystem;

TEST(Half, EveryValueSurvivesTheRoundTrip) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    if ((half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0) {
      EXPECT_TRUE(std::isnan(from_half(static_cast<std::uint16_t>(half))));
      continue;
    }
    ASSERT_EQ(to_half(from_half(static_cast<std::uint16_t>(half))), half);
  }
  EXPECT_EQ(from_half(0x3c00), 1.0F);
  EXPECT_EQ(from_half(0xc000), -2.0F);
  EXPECT_EQ(from_half(0x0001), 0x1p-24F);
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  for (std::uint16_t low = 0; low < 0x7bff; ++low) {
    const float a = from_half(low);
    const float b = from_half(static_cast<std::uint16_t>(low + 1));
    const float middle = (a + b) / 2;  // exact: float32 has room
    ASSERT_EQ(to_half(middle), low % 2 == 0 ? low : low + 1);
    ASSERT_EQ(to_half(std::nextafter(middle, 0.0F)), low);
    ASSERT_EQ(to_half(std::nextafter(middle, 1e9F)), low + 1);
    ASSERT_EQ(to_half(-std::nextafter(middle, 0.0F)), low | 0x8000);
  }
  EXPECT_EQ(to_half(65519.0F), 0x7bff);
  EXPECT_EQ(to_half(65520.0F), 0x7c00);
  EXPECT_EQ(to_half(-INFINITY), 0xfc00);
  EXPECT_TRUE(std::isnan(from_half(to_half(NAN))));
}

TEST(HalfProducts, AgreeWithThePlainDefinition) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const std::size_t stride : {64, 128, 512, 768}) {
    std::vector<std::uint16_t> values(37 * stride);
    for (auto& value : values) value = to_half(normal(random) * 0.05F);
    for (std::size_t i = 0; i < 64; ++i) values[i] = static_cast<std::uint16_t>(i * 9);  // subnormal
    std::vector<float> query(stride);
    for (auto& value : query) value = normal(random);
    const HalfRows rows{values.data(), 37, stride};
    std::vector<float> fast(37);
    std::vector<float> plain(37);
    half_products(rows, query.data(), fast.data());
    half_products_plain(rows, query.data(), plain.data());
    for (std::size_t r = 0; r < 37; ++r) {
      double size = 0;
      for (std::size_t i = 0; i < stride; ++i)
        size +=
            std::fabs(static_cast<double>(query[i]) * static_cast<double>(from_half(values[r * stride + i])));
      EXPECT_NEAR(fast[r], plain[r], size * static_cast<double>(stride) * 0x1p-23) << stride << " " << r;
    }
  }
}

/// An index filled with vectors instead of pictures.
class ScanTest : public ::testing::Test {
 protected:
  PictureEncoder encoder() const { return {.model = {"vectors", "vectors", dimension}}; }

  void fill(const Matrix& rows) {
    dimension = rows.columns;
    const Indexer create(file, encoder());
    const Database database(file, DatabaseAccess::read_write);
    PictureTable table(database, encoder().model, adopt_index(database, encoder().model));
    Transaction transaction(database, Transaction::Kind::write);
    for (std::size_t i = 0; i < rows.rows; ++i) {
      PictureRecord record;
      // Not in the order of the rows, so that ties are broken by path and not by id.
      record.path = "/photos/" + std::to_string(i % 3) + "/" + std::to_string(i * 7919 % 10007) + ".jpg";
      table.write(record, rows[i]);
    }
    table.advance_generation();
    transaction.commit();
  }

  /// The definition: all exact products, sorted.
  std::vector<Match> brute_force(std::span<const float> query, std::size_t count, float min_score,
                                 const std::vector<fs::path>& folders) const {
    const auto [paths, rows] = Indexer(file, encoder()).read_all(folders);
    std::vector<Match> matches;
    for (std::size_t i = 0; i < rows.rows; ++i)
      if (const float score = dot(query, rows[i]); score >= min_score) matches.push_back({paths[i], score});
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
      return a.score != b.score ? a.score > b.score : a.path.native() < b.path.native();
    });
    if (matches.size() > count) matches.resize(count);
    return matches;
  }

  void expect_exact(const Indexer& index, std::span<const float> query, std::size_t count,
                    float min_score = -2, const std::vector<fs::path>& folders = {}) const {
    const auto expected = brute_force(query, count, min_score, folders);
    const auto got = index.search(query, count, min_score, folders);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].path, expected[i].path) << i;
      ASSERT_EQ(got[i].score, expected[i].score) << i;
    }
  }

  /// Unit rows; normalised until another normalisation changes nothing, as search() does with the query.
  Matrix random_rows(std::size_t count, std::size_t width, float spread = 1) {
    std::normal_distribution<float> normal;
    Matrix rows(count, width);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t d = 0; d < width; ++d)
        rows[i][d] = (d == i % 4 ? 1.0F : 0.0F) + spread * normal(random);
    normalize_rows(rows);
    return rows;
  }

  std::vector<float> random_query(std::size_t width, float spread = 1) {
    auto rows = random_rows(1, width, spread);
    for (int i = 0; i < 4; ++i) normalize_rows(rows);
    return rows.values;
  }

  TemporaryFolder folder;
  fs::path file = folder / "index.db";
  std::size_t dimension = 0;
  std::mt19937 random{11};
};

TEST_F(ScanTest, EqualsBruteForceOnRandomRows) {
  for (const std::size_t width : {1, 7, 64, 100, 512}) {
    fs::remove(file);
    fill(random_rows(1500, width));
    const Indexer index(file, encoder());
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{10}, std::size_t{400}, std::size_t{5000}, SIZE_MAX})
      expect_exact(index, random_query(width), count);
    EXPECT_TRUE(index.search(random_query(width), 0, -2, {}).empty());
  }
}

// Rows so close together that float16 cannot tell them apart: only the error bound saves the order.
TEST_F(ScanTest, EqualsBruteForceOnClusteredRows) {
  fill(random_rows(6000, 96, 2e-5F));
  const Indexer index(file, encoder());
  for (int i = 0; i < 10; ++i) expect_exact(index, random_query(96, 1e-4F), 20);
}

TEST_F(ScanTest, BreaksTiesByPath) {
  auto rows = random_rows(3000, 32);
  for (std::size_t i = 0; i < rows.rows; ++i)
    if (i % 5 != 0) std::copy_n(rows[i % 7].begin(), 32, rows[i].begin());
  fill(rows);
  const Indexer index(file, encoder());
  for (const std::size_t count : {1, 13, 300, 1200}) expect_exact(index, random_query(32), count);
}

TEST_F(ScanTest, KeepsToFoldersAndTheMinimum) {
  fill(random_rows(2000, 48));
  const Indexer index(file, encoder());
  const auto query = random_query(48);
  expect_exact(index, query, 15, -2, {"/photos/1"});
  expect_exact(index, query, 15, -2, {"/photos/1", "/photos/2/../0"});
  expect_exact(index, query, 15, -2, {"/photos/11"});
  expect_exact(index, query, 2000, 0.1F);
  expect_exact(index, query, 2000, 0.1F, {"/photos/2"});
  const auto best = brute_force(query, 30, -2, {});
  expect_exact(index, query, 2000, best.back().score);
}

TEST_F(ScanTest, RefusesQueriesWithoutADirection) {
  fill(random_rows(10, 8));
  const Indexer index(file, encoder());
  expect_error(ErrorCode::invalid_argument, "expected a query of 8 values, got 7",
               [&] { index.search(std::vector<float>(7, 1.0F), 1, -2, {}); });
  expect_error(ErrorCode::invalid_argument, "expected a query with a direction",
               [&] { index.search(std::vector<float>(8, 0.0F), 1, -2, {}); });
  expect_error(ErrorCode::invalid_argument, "expected a query with a direction",
               [&] { index.search(std::vector<float>(8, NAN), 1, -2, {}); });
}

TEST_F(ScanTest, AnEmptyIndexGivesNothing) {
  fill(Matrix(0, 8));
  EXPECT_TRUE(Indexer(file, encoder()).search(std::vector<float>(8, 1.0F), 5, -2, {}).empty());
}

TEST_F(ScanTest, ReadsTheFileOfVectorsAndDoesNotRebuildIt) {
  fill(random_rows(300, 16));
  const auto query = random_query(16);
  expect_exact(Indexer(file, encoder()), query, 10);
  const auto written = fs::last_write_time(vectors_file(file));
  expect_exact(Indexer(file, encoder()), query, 10);
  EXPECT_EQ(fs::last_write_time(vectors_file(file)), written);
}

TEST_F(ScanTest, RebuildsAFileOfVectorsThatIsAbsentStaleOrDamaged) {
  const auto rows = random_rows(300, 16);
  fill(rows);
  const auto query = random_query(16);
  const auto side = vectors_file(file);
  expect_exact(Indexer(file, encoder()), query, 10);
  const auto whole = read_file(side, 1'000'000);

  const auto damage = [&](const std::function<void(std::string&)>& change) {
    auto bytes = whole;
    change(bytes);
    write_file_atomically(side, bytes);
    expect_exact(Indexer(file, encoder()), query, 10);
  };
  damage([](std::string& bytes) { bytes.clear(); });
  damage([](std::string& bytes) { bytes.resize(100); });
  damage([](std::string& bytes) { bytes.pop_back(); });
  damage([](std::string& bytes) { bytes += std::string(136, '\0'); });
  for (std::size_t i = 0; i < 128; ++i)
    damage([&](std::string& bytes) { bytes[i] = static_cast<char>(bytes[i] ^ 0xff); });
  damage([](std::string& bytes) { std::fill(bytes.end() - 2400, bytes.end(), '\x7f'); });          // ids
  damage([](std::string& bytes) { std::fill(bytes.begin() + 128, bytes.end() - 2400, '\x7f'); });  // NaN
  damage([](std::string& bytes) { std::fill(bytes.begin() + 128, bytes.end() - 2400, '\x3c'); });  // rows

  damage([](std::string& bytes) { std::swap_ranges(bytes.end() - 16, bytes.end() - 8, bytes.end() - 8); });
  EXPECT_EQ(read_file(side, 1'000'000), whole) << "ids ascend, whether or not a search looks at them";

  // A new generation: one more row, the nearest of all.
  {
    const Database database(file, DatabaseAccess::read_write);
    PictureTable table(database, encoder().model, adopt_index(database, encoder().model));
    PictureRecord record;
    record.path = "/photos/nearest.jpg";
    table.write(record, query);
    table.advance_generation();
  }
  const Indexer index(file, encoder());
  expect_exact(index, query, 10);
  EXPECT_EQ(index.search(query, 1, -2, {}).front().path, "/photos/nearest.jpg");
}

TEST_F(ScanTest, ALongLivedIndexSeesWhatOthersWrite) {
  fill(random_rows(100, 16));
  const Indexer index(file, encoder());
  const auto query = random_query(16);
  expect_exact(index, query, 10);
  fs::remove(vectors_file(file));
  fill(random_rows(400, 16));
  expect_exact(index, query, 10);
}

}  // namespace beeld::testing
