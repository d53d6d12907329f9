#include <beeld/model.h>

#include "tests/fuzz/input.h"
#include "tests/support/tiny_model.h"

using namespace beeld;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  testing::write_tiny_model(fuzz::scratch_folder());
  set_threads(1);
  return 0;
}

// open_clip_config.json, beside weights that are of another family: settings are read before them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::write_scratch("open_clip_config.json", fuzz::text_of(data, size));
  fuzz::allow_errors([] { Model::load(fuzz::scratch_folder()); });
  return 0;
}
