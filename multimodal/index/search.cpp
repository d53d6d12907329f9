#include <beeld/error.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>

#include "core/tensor/unit_length.h"
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

std::vector<bool> rows_below(const Vectors& vectors, PictureTable& table,
                             const std::vector<std::filesystem::path>& folders) {
  std::vector<bool> allowed(vectors.size());
  const auto ids = vectors.ids();
  for (const auto& range : ranges_below(folders)) {
    table.for_each_id(range, [&](std::int64_t id) {
      const auto found = std::lower_bound(ids.begin(), ids.end(), id);
      if (found != ids.end() && *found == id) allowed[static_cast<std::size_t>(found - ids.begin())] = true;
    });
  }
  return allowed;
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
  std::string path;
  for (const auto& candidate : candidates) {
    if (!table.read(vectors.ids()[candidate.row], path, embedding)) return std::nullopt;
    const float score = dot(request.query, embedding);
    const double difference = static_cast<double>(score) - static_cast<double>(candidate.score);
    if (!(std::fabs(difference) <= error)) return std::nullopt;
    if (score >= request.min_score) matches.push_back({path, score});
  }
  return matches;
}

}  // namespace

VectorsKey Indexer::key_of(const Snapshot& snapshot) const {
  return {encoder_.model.fingerprint, snapshot.library(), snapshot.generation(), encoder_.model.dimension};
}

// Nothing where the snapshot is older than what another search has seen.
std::optional<std::vector<Match>> Indexer::search(const Snapshot& snapshot, const ScanRequest& request,
                                                  const std::vector<std::filesystem::path>& folders) const {
  auto& table = snapshot.table();
  const auto find = [&](const Vectors& vectors) {
    auto part = request;
    std::vector<bool> allowed;
    if (!folders.empty()) part.allowed = &(allowed = rows_below(vectors, table, folders));
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

std::vector<Match> Indexer::search(std::span<const float> query, std::size_t count, float min_score,
                                   const std::vector<std::filesystem::path>& folders) const {
  const auto unit = unit_query(query, encoder_.model.dimension);
  std::optional<std::vector<Match>> matches;
  while (!matches)
    matches = search(Snapshot(readers_), {.query = unit, .count = count, .min_score = min_score}, folders);
  std::sort(matches->begin(), matches->end(), [](const Match& a, const Match& b) {
    return a.score != b.score ? a.score > b.score : a.path.native() < b.path.native();
  });
  if (matches->size() > count) matches->resize(count);
  return *std::move(matches);
}

}  // namespace beeld
