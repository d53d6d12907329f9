// embed MODEL PHOTO "a text" "another text": how near is each text to the photo?
#include <beeld/beeld.h>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 5) return std::fprintf(stderr, "usage: %s MODEL PHOTO TEXT TEXT\n", argv[0]), 2;
  const auto model = beeld::Model::load(beeld::resolve_model(argv[1]));
  const std::vector<beeld::Image> photos = {beeld::load_image(argv[2])};
  const std::vector<std::string> sentences = {argv[3], argv[4]};
  beeld::Matrix images = model.encode_images(photos), texts = model.encode_texts(sentences);
  beeld::normalize_rows(images);
  beeld::normalize_rows(texts);
  for (std::size_t i = 0; i < texts.rows; ++i)
    std::printf("%.4f  %s\n", beeld::dot(images[0], texts[i]), sentences[i].c_str());
  return 0;
} catch (const beeld::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
