// search_folder MODEL FOLDER "a sentence": the ten photos of a folder that fit a sentence best.
#include <beeld/beeld.h>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 4) return std::fprintf(stderr, "usage: %s MODEL FOLDER SENTENCE\n", argv[0]), 2;
  const auto model = beeld::Model::load(beeld::resolve_model(argv[1]));
  const std::filesystem::path folder = argv[2];
  auto index = beeld::Index::open(beeld::Index::default_file(folder), model);
  const auto summary = index.update({folder});  // Only what is new or changed is read.
  for (const auto& picture : summary.unreadable)
    std::fprintf(stderr, "%s: %s\n", picture.path.c_str(), picture.reason.c_str());
  for (const auto& match : index.search(beeld::query_embedding(model, argv[3]), 10))
    std::printf("%.4f  %s\n", match.score, match.path.c_str());
  return 0;
} catch (const beeld::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
