#include <beeld/error.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>

#include "core/tensor/unit_length.h"
#include "multimodal/index/filter.h"
#include "multimodal/index/indexer.h"
#include "multimodal/index/scan.h"

namespace beeld {

namespace {

std::vector<float> unit_query(std::span<const float> query, std::size_t dimension) {
  if (query.size() != dimension) {
    throw Error(ErrorCode::invalid_argument, "[search] expected a query of " + std::to_string(dimension) +
                                                 " values, got " + std::to_string(query.size()));
  }
  std::vector<float> unit(query.begin(), query.end());
  if (!scale_to_unit(std::span(unit)))
    throw Error(ErrorCode::invalid_argument,
                "[search] expected a query with a direction, got zeros or infinities");
  return unit;
}

// Nothing where the file of vectors turns out not to hold these embeddings.
std::optional<std::vector<Match>> rank(const Vectors& vectors, PictureTable& table,
                                       const ScanRequest& request) {
  std::vector<Candidate> candidates;
  try {
    // Isolated: while this thread waits for the scan it must not begin another search, which would keep it.
    candidates = tbb::this_task_arena::isolate([&] { return scan(vectors, request); });
  } catch (const Error&) {
    return std::nullopt;
  }
  const double error = scan_error(vectors, request.query.size());
  std::vector<Match> matches;
  std::vector<float> embedding(request.query.size());
  PictureRecord picture;
  for (const auto& candidate : candidates) {
    if (!table.read(vectors.ids()[candidate.row], picture, embedding)) return std::nullopt;
    const float score = dot(request.query, embedding);
    const double difference = static_cast<double>(score) - static_cast<double>(candidate.score);
    if (!(std::fabs(difference) <= error)) return std::nullopt;
    if (score >= request.min_score) matches.push_back({picture.path, score, picture.taken, picture.place});
  }
  return matches;
}

}  // namespace

VectorsKey Indexer::key_of(const Snapshot& snapshot) const {
  return {encoder_.model.fingerprint, snapshot.library(), snapshot.generation(), encoder_.model.dimension};
}

// Nothing where the snapshot is older than what another search has seen.
std::optional<std::vector<Match>> Indexer::search(const Snapshot& snapshot, const ScanRequest& request,
                                                  const PictureFilter& filter) const {
  auto& table = snapshot.table();
  const auto find = [&](const Vectors& vectors) {
    auto part = request;
    std::vector<bool> allowed;
    if (!lets_all_pass(filter)) part.allowed = &(allowed = allowed_rows(vectors, table, filter));
    return rank(vectors, table, part);
  };
  auto vectors = vectors_.get(table, key_of(snapshot));
  if (!vectors) return std::nullopt;
  if (auto matches = find(*vectors)) return matches;
  vectors = vectors_.replace(*vectors, table, key_of(snapshot));
  if (!vectors) return std::nullopt;
  if (auto matches = find(*vectors)) return matches;
  throw Error(ErrorCode::corrupt, "[index] " + file_.string() + ": its vectors cannot be rebuilt");
}

std::vector<Match> Indexer::best(std::span<const float> unit_query, const SearchOptions& options) const {
  std::optional<std::vector<Match>> matches;
  while (!matches) {
    matches =
        search(Snapshot(readers_),
               {.query = unit_query, .count = options.count, .min_score = options.min_score}, options.filter);
  }
  std::sort(matches->begin(), matches->end(), [](const Match& a, const Match& b) {
    return a.score != b.score ? a.score > b.score : a.path.native() < b.path.native();
  });
  if (matches->size() > options.count) matches->resize(options.count);
  return *std::move(matches);
}

std::vector<Match> Indexer::search(std::span<const float> query, std::size_t count, float min_score,
                                   const std::vector<std::filesystem::path>& folders) const {
  return best(unit_query(query, encoder_.model.dimension),
              {.count = count, .min_score = min_score, .filter = {.folders = folders}});
}

std::vector<Match> Indexer::search(std::span<const float> query, const SearchOptions& options) const {
  const auto unit = unit_query(query, encoder_.model.dimension);
  // More are asked for until enough of them are there: files may go between two updates.
  for (auto wanted = options;;) {
    auto matches = best(unit, wanted);
    const bool are_all = matches.size() < wanted.count;
    std::erase_if(matches, [](const Match& match) { return file_is_gone(match.path); });
    if (are_all || matches.size() >= options.count) {
      if (matches.size() > options.count) matches.resize(options.count);
      return matches;
    }
    wanted.count = 2 * wanted.count + 16;
  }
}

}  // namespace beeld
