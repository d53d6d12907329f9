#include "bench/encoding/encoder_agreement.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

namespace beeld::bench {

Matrix embeddings_of(Peer& peer, const std::string& kind, const std::filesystem::path& folder,
                     const Matrix& rows) {
  const auto answer = peer.ask("embed " + kind);
  if (answer != "ok") throw std::runtime_error("bench: expected ok for embed " + kind + ", got " + answer);
  Matrix theirs(rows.rows, rows.columns);
  const auto bytes = static_cast<std::streamsize>(theirs.values.size() * sizeof(float));
  std::ifstream stream(folder / "embedded.f32", std::ios::binary);
  if (!stream.read(reinterpret_cast<char*>(theirs.values.data()), bytes)) {
    throw std::runtime_error("bench: too few embeddings of " + kind);
  }
  return theirs;
}

double lowest_cosine(Matrix a, Matrix b) {
  normalize_rows(a);
  normalize_rows(b);
  double lowest = 1;
  for (std::size_t i = 0; i < a.rows; ++i) {
    const double cosine = dot(a[i], b[i]);
    if (!std::isfinite(cosine)) return cosine;
    lowest = std::min(lowest, cosine);
  }
  return lowest;
}

void require_agreement(Peer& peer, const std::string& engine, const std::string& kind,
                       const std::filesystem::path& folder, const Matrix& rows) {
  const double cosine = lowest_cosine(embeddings_of(peer, kind, folder, rows), rows);
  if (cosine > 0.9999) return;  // which no NaN is
  throw std::runtime_error("bench: " + engine + " and beeld disagree about " + kind + ": a cosine of " +
                           std::to_string(cosine));
}

}  // namespace beeld::bench
