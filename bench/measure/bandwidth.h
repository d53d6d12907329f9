#pragma once

#include <cstddef>
#include <span>

namespace beeld::bench {

/// Reads every byte with the widest loads there are, by all threads of parallel_for, and does next to nothing
/// with it: the least time in which anything can have looked at so much memory.
void read_all(std::span<const std::byte> bytes);

}  // namespace beeld::bench
