#pragma once

#include <filesystem>

namespace beeld::bench {

/// Prints how fast the encoders of a checkpoint by write_vit_b_32() are, by 1 and 2 threads: beside ONNX
/// Runtime and PyTorch in turns, as a share of the machine's peak, and beside a busy neighbour. Writes the
/// peers' files into `folder`, the checkpoint's. An engine that cannot be started is named and has no
/// numbers; throws std::runtime_error where two engines do not give the same embeddings.
void encoders(const std::filesystem::path& folder);

}  // namespace beeld::bench
