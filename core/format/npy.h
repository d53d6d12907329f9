#pragma once

#include <beeld/matrix.h>

#include <filesystem>

namespace beeld {

/// Writes a matrix `[N,D]` as a .npy file (format 1.0, float32, C order) that appears at once or not at all.
/// Throws Error(io).
void write_npy(const std::filesystem::path& path, const Matrix& matrix);

/// Reads a .npy file of float32 `[N,D]` in C order, format 1.0 to 3.0.
///
/// Throws Error: not_found, io, corrupt (not a .npy file, or its size contradicts its header), or
/// unsupported (another type, order or rank; the message names it).
Matrix read_npy(const std::filesystem::path& path);

}  // namespace beeld
