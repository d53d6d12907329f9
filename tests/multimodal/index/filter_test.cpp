#include "multimodal/index/filter.h"

#include <gtest/gtest.h>

#include <set>

#include "multimodal/index/scan.h"
#include "tests/multimodal/index/index_fixture.h"

namespace beeld::testing {

namespace fs = std::filesystem;

TEST(Distance, IsThatOfKnownPlaces) {
  const Place amsterdam{52.3728, 4.8936}, paris{48.8566, 2.3522}, fiji{-17.7, 179.9}, samoa{-13.8, -172.1};
  EXPECT_NEAR(kilometres_between(amsterdam, paris), 430, 2);
  EXPECT_NEAR(kilometres_between(fiji, samoa), 957, 10) << "across the line where dates change";
  EXPECT_NEAR(kilometres_between({90, 0}, {90, 170}), 0, 1e-6) << "one pole";
  EXPECT_NEAR(kilometres_between({0, 0}, {0, 180}), 20015, 1);
  EXPECT_EQ(kilometres_between(paris, paris), 0);
}

class IndexFilter : public IndexTest {
 protected:
  /// Pictures without files, one a day; every fourth says nothing of time and place.
  void fill() {
    const Database connection(database, DatabaseAccess::create);
    const auto identity = model.encoder().model;
    PictureTable table(connection, identity, adopt_index(connection, identity));
    Transaction transaction(connection, Transaction::Kind::write);
    for (int i = 0; i < 100; ++i) {
      PictureRecord picture{.path = path_of(i), .hash = std::to_string(i)};
      if (i % 4 != 0) picture.taken = day * i;
      if (i % 4 != 0) picture.place = Place{static_cast<double>(i) / 10, 5};
      if (i % 10 == 0) picture.damage = "its last rows are missing";
      table.write(picture, embedding_of(colour_of(i)));
    }
    table.advance_generation();
    transaction.commit();
  }

  static std::string path_of(int i) {
    return (i % 2 ? "/photos/Holiday " : "/photos/work ") + std::to_string(i) + ".jpg";
  }

  /// The numbers of the pictures that a filter lets pass.
  std::set<int> passing(const PictureFilter& filter) {
    const Indexer index(database, model.encoder());
    const Snapshot snapshot = index.snapshot();
    std::set<int> numbers;
    const auto vectors = vectors_beside(
        database, snapshot.table(),
        {"fake", std::string(snapshot.library()), snapshot.generation(), model.encoder().model.dimension});
    const auto allowed = allowed_rows(*vectors, snapshot.table(), filter);
    for (std::size_t row = 0; row < allowed.size(); ++row)
      if (allowed[row]) numbers.insert(static_cast<int>(vectors->ids()[row]) - 1);
    return numbers;
  }

  template <class Condition>
  static std::set<int> numbers(const Condition& condition) {
    std::set<int> all;
    for (int i = 0; i < 100; ++i)
      if (condition(i)) all.insert(i);
    return all;
  }

  static constexpr std::int64_t day = 86400;
};

TEST_F(IndexFilter, LetsPassWhatItSays) {
  fill();
  EXPECT_EQ(passing({}).size(), 100u);
  EXPECT_EQ(passing({.since = 50 * day}), numbers([](int i) { return i % 4 != 0 && i >= 50; }));
  EXPECT_EQ(passing({.until = 50 * day}), numbers([](int i) { return i % 4 != 0 && i < 50; }));
  EXPECT_EQ(passing({.since = 50 * day, .until = 53 * day}), (std::set<int>{50, 51}));
  EXPECT_EQ(passing({.near = Nearby{{5, 5}, 12}}), (std::set<int>{49, 50, 51}));
  EXPECT_EQ(passing({.path_contains = "hOLIDAY 1"}),
            numbers([](int i) { return i % 2 && (i == 1 || (i >= 10 && i < 20)); }));
  EXPECT_EQ(passing({.only_damaged = true}), numbers([](int i) { return i % 10 == 0; }));
  EXPECT_EQ(passing({.folders = {"/nowhere"}, .only_damaged = true}), std::set<int>());
  EXPECT_EQ(passing({.since = 0, .near = Nearby{{5, 5}, 12}, .path_contains = "work"}), (std::set<int>{50}));
}

TEST_F(IndexFilter, IsNeverFilledUpWithOthers) {
  fill();
  const Indexer index(database, model.encoder());
  const auto query = embedding_of(colour_of(77));
  const PictureFilter filter{.since = 50 * day, .until = 60 * day};
  const auto wanted = passing(filter);
  // The best among them, whatever lies nearer to the query.
  const Snapshot snapshot = index.snapshot();
  std::vector<float> scores;
  for (const int i : wanted) scores.push_back(dot(query, embedding_of(colour_of(i))));
  std::sort(scores.rbegin(), scores.rend());
  auto read = [&](std::size_t count) {
    const auto vectors = vectors_beside(
        database, snapshot.table(),
        {"fake", std::string(snapshot.library()), snapshot.generation(), model.encoder().model.dimension});
    const auto allowed = allowed_rows(*vectors, snapshot.table(), filter);
    return scan(*vectors, {.query = query, .count = count, .allowed = &allowed});
  };
  EXPECT_EQ(read(100).size(), wanted.size());
  for (std::size_t count = 1; count <= scores.size(); ++count)
    for (const auto& candidate : read(count)) EXPECT_GE(candidate.score, scores[count - 1] - 1e-3F);
}

}  // namespace beeld::testing
