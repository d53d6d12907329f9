#include <beeld/error.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <opencv2/core/utility.hpp>

#include "data/scenes/gallery.h"
#include "data/scenes/shards.h"
#include "data/scenes/splits.h"

namespace beeld::scenes {

namespace {

struct Options {
  ShardOptions shards{.folder = "", .name = "", .pictures = 0};
  std::string split = "train";
  std::uint64_t seed = 1;
  int captions = 0;  ///< Wordings of a picture in each language; 0: all for training, one for a test.
  std::vector<std::string> languages;
};

CaptionChoice choice(const Options& options) {
  const bool training = options.split == "train";
  CaptionChoice chosen{{}, options.captions > 0 ? options.captions : training ? wording_count : 1};
  for (const auto& name : options.languages)
    chosen.languages.push_back(name == "nl" ? Language::dutch : Language::english);
  if (!chosen.languages.empty()) return chosen;
  if (options.split != "test-nl") chosen.languages.push_back(Language::english);
  if (options.split != "test") chosen.languages.push_back(Language::dutch);
  return chosen;
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
  const CaptionChoice chosen = choice(options);
  if (options.split == "train")
    return write_shards(options.shards,
                        [&](std::size_t i) { return training_picture(options.seed, i, chosen); });
  const auto pictures = test_pictures(options.seed, options.shards.pictures, chosen);
  write_shards(options.shards, [&](std::size_t i) { return pictures[i]; });
}

int run(int argc, char** argv) {
  CLI::App app("Draws scenes with captions: WebDataset shards to learn from, and the gallery", "draw_scenes");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  cv::setNumThreads(1);  // pictures are small; threads only wait for each other
  draw_split(options);
  return 0;
}

}  // namespace

}  // namespace beeld::scenes

int main(int argc, char** argv) {
  try {
    return beeld::scenes::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "draw_scenes: " << error.what() << '\n';
    return 2;
  }
}
