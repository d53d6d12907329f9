#include <filesystem>

#include "tests/support/pictures.h"
#include "tests/support/tiny_model.h"

// Writes a checkpoint and a picture for the consumer: FOLDER/model and FOLDER/picture.png.
int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = arguments[1];
  std::filesystem::create_directories(folder);
  beeld::testing::write_tiny_model(folder / "model");
  beeld::testing::write_picture(folder / "picture.png", beeld::testing::wave_picture(64, 48, 1));
}
