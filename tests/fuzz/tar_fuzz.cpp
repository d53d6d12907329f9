#include "multimodal/data/shards.h"
#include "tests/fuzz/input.h"

using namespace beeld;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::allow_errors([&] {
    const auto shard = fuzz::write_scratch("input.tar", fuzz::text_of(data, size));
    // A limit far below the memory allowed: a small file may unpack to a thousand times its size.
    ShardReader reader({shard}, {.entry_bytes = 1u << 22});
    while (reader.next()) continue;
  });
  return 0;
}
