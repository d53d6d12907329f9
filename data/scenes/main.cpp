#include <beeld/error.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <opencv2/core/utility.hpp>

#include "data/scenes/gallery.h"
#include "data/scenes/sampling.h"
#include "data/scenes/shards.h"

namespace beeld::scenes {

namespace {

struct Options {
  ShardOptions shards{.folder = "", .name = "", .pictures = 0};
  std::string split = "train";
  std::uint64_t seed = 1;
  int captions = 0;  ///< Wordings of a picture in each language; 0: all for training, one for a test.
  std::vector<std::string> languages;
};

std::vector<Language> languages_of(const Options& options) {
  if (options.languages.empty()) {
    if (options.split == "train") return {Language::english, Language::dutch};
    return {options.split == "test-nl" ? Language::dutch : Language::english};
  }
  std::vector<Language> languages;
  for (const auto& name : options.languages)
    languages.push_back(name == "nl" ? Language::dutch : Language::english);
  return languages;
}

/// A test caption states all facts, so that no other picture fits it; three of the wordings do.
int test_wording(std::size_t picture, int caption) {
  constexpr std::array<int, wording_count> full_ones_first{0, 2, 4, 1, 3};
  if (caption > 2) return full_ones_first[static_cast<std::size_t>(caption)];
  return full_ones_first[(picture + static_cast<std::size_t>(caption)) % 3];
}

void draw_training(const Options& options) {
  const int captions = options.captions == 0 ? wording_count : options.captions;
  write_shards(options.shards, [&](std::size_t i) {
    Picture picture{training_scene(options.seed, i), mix(mix(options.seed) + i), {}};
    for (const Language language : languages_of(options))
      for (int wording = 0; wording < captions; ++wording)
        picture.captions.push_back(caption(picture.scene, wording, language));
    return picture;
  });
}

void draw_test(const Options& options) {
  const int captions = options.captions == 0 ? 1 : options.captions;
  const auto scenes = test_scenes(options.seed, options.shards.pictures);
  write_shards(options.shards, [&](std::size_t i) {
    Picture picture{scenes[i], mix(~mix(options.seed) + i), {}};
    for (const Language language : languages_of(options))
      for (int number = 0; number < captions; ++number)
        picture.captions.push_back(caption(picture.scene, test_wording(i, number), language));
    return picture;
  });
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--out", options.shards.folder, "The folder to write to")->required()->type_name("DIR");
  app.add_option("--split", options.split, "train, test, test-nl (the same pictures, in Dutch) or gallery")
      ->check(CLI::IsMember({"train", "test", "test-nl", "gallery"}));
  app.add_option("--pictures", options.shards.pictures, "How many (default: 24000 to train, 500 to test)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
  app.add_option("--seed", options.seed, "Another seed draws other pictures (default: 1)");
  app.add_option("--size", options.shards.side, "Width and height in pixels (default: 64)")
      ->check(CLI::Range(16, 1024));
  app.add_option("--per-shard", options.shards.per_shard, "Pictures in a tar file (default: 2000)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
  app.add_option("--captions", options.captions,
                 "Lines a picture and language (default: 5 to train, 1 to test)")
      ->check(CLI::Range(1, wording_count));
  app.add_option("--languages", options.languages, "en, nl, or both: en,nl (default: both to train)")
      ->delimiter(',')
      ->check(CLI::IsMember({"en", "nl"}));
}

void draw_split(Options options) {
  if (options.split == "gallery") return write_gallery(options.shards.folder);
  if (options.shards.pictures == 0) options.shards.pictures = options.split == "train" ? 24'000 : 500;
  options.shards.name = "scenes-" + options.split;
  if (options.split == "train") return draw_training(options);
  draw_test(options);
}

}  // namespace

}  // namespace beeld::scenes

int main(int argc, char** argv) {
  CLI::App app("Draws scenes with captions: WebDataset shards to learn from, and the gallery", "draw_scenes");
  beeld::scenes::Options options;
  beeld::scenes::add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  cv::setNumThreads(1);  // pictures are small; threads only wait for each other
  try {
    beeld::scenes::draw_split(options);
  } catch (const std::exception& error) {
    std::cerr << "draw_scenes: " << error.what() << "\n";
    return 2;
  }
  return 0;
}
