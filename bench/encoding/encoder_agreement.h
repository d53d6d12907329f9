#pragma once

#include <beeld/matrix.h>

#include <filesystem>
#include <string>

#include "bench/measure/peer.h"

namespace beeld::bench {

/// Throws std::runtime_error where an embedding of the peer has a cosine of 0.9999 or less to beeld's row of
/// `rows` [N,D]: engines that do not do the same work are not compared.
void require_agreement(Peer& peer, const std::string& engine, const std::string& kind,
                       const std::filesystem::path& folder, const Matrix& rows);

/// The lowest cosine between the rows of two matrices of one shape; NaN where a row has one.
double lowest_cosine(Matrix a, Matrix b);

/// The peer's embeddings of all items of one kind, [N,D] as `rows`.
Matrix embeddings_of(Peer& peer, const std::string& kind, const std::filesystem::path& folder,
                     const Matrix& rows);

}  // namespace beeld::bench
