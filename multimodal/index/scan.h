#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "multimodal/index/vectors.h"

namespace beeld {

/// Rows of float16 values, [count,stride], stride a multiple of vectors_row_multiple.
struct HalfRows {
  const std::uint16_t* values;
  std::size_t count;
  std::size_t stride;
};

/// scores [count] = rows . query [stride], summed in float32 in some order. Vector code with run-time
/// dispatch.
void half_products(const HalfRows& rows, const float* query, float* scores);

/// The plain definition of half_products.
void half_products_plain(const HalfRows& rows, const float* query, float* scores);

struct ScanRequest {
  std::span<const float> query;  ///< [D], unit length
  std::size_t count = 1;         ///< Number of best rows wanted.
  float min_score = -2;
  const std::vector<bool>* allowed = nullptr;  ///< [N], rows to look at; all where null.
};

/// How far a score by half_products may be from the exact inner product with a unit row, at most.
double scan_error(const Vectors& vectors, std::size_t dimension);

/// A row that may belong to the answer, and its score by half_products.
struct Candidate {
  std::size_t row;
  float score;
};

/// Every row whose exact score may be among the `count` best (ties with the last of them included) and at
/// least min_score; in no particular order.
std::vector<Candidate> scan(const Vectors& vectors, const ScanRequest& request);

}  // namespace beeld
