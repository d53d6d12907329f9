// classify MODEL PHOTO LABEL...: zero-shot classification with two prompts for each label.
#include <beeld/beeld.h>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc < 4) return std::fprintf(stderr, "usage: %s MODEL PHOTO LABEL...\n", argv[0]), 2;
  const auto model = beeld::Model::load(beeld::resolve_model(argv[1]));
  const beeld::ZeroShot zero_shot(model, std::vector<std::string>(argv + 3, argv + argc),
                                  {"a photo of a {}", "a picture of the {}"});
  const std::vector<beeld::Image> photos = {beeld::load_image(argv[2])};
  beeld::Matrix images = model.encode_images(photos);
  beeld::normalize_rows(images);
  for (const auto& answer : zero_shot.rank(zero_shot.logits(images)[0]))
    std::printf("%5.1f %%  %s\n", 100 * answer.score, answer.label.c_str());
  return 0;
} catch (const beeld::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
