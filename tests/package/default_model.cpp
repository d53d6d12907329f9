#include <beeld/beeld.h>

#include <iostream>

// Prints where the model that comes with beeld lies, and the length of an embedding of a text.
int main() {
  const auto folder = beeld::default_model_folder();
  const auto model = beeld::Model::load(folder);
  const std::string text = "a red boat";
  std::cout << folder.string() << '\n' << model.encode_texts({&text, 1}).columns << '\n';
}
