#include <beeld/model.h>

#include "tests/fuzz/input.h"
#include "tests/support/pictures.h"
#include "tests/support/tiny_model.h"

using namespace beeld;

namespace {

void load_and_embed() {
  static const Image picture = testing::wave_picture(40, 30, 1);
  const auto model = Model::load(fuzz::scratch_folder());
  model.encode_images({&picture, 1});
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  testing::write_tiny_model(fuzz::scratch_folder());
  set_threads(1);
  return 0;
}

// config.json and preprocessor_config.json, beside the weights and tokenizer of the tiny model.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 2);
  fuzz::write_scratch("config.json", parts[0]);
  fuzz::write_scratch("preprocessor_config.json", parts[1]);
  fuzz::allow_errors(load_and_embed);
  return 0;
}
