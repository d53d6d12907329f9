#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "multimodal/training/data.h"
#include "tests/multimodal/data/shard_writer.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

/// Shards of small pictures, and training data on them.
class TrainingDataTest : public ::testing::Test {
 protected:
  /// A shard whose samples `prefix`0, `prefix`1, ... have a picture and two captions "KEY one", "KEY two".
  std::filesystem::path write(const std::string& prefix, int samples, const std::string& extension = ".tar") {
    std::vector<ShardEntry> entries;
    for (int i = 0; i < samples; ++i) {
      const auto key = prefix + std::to_string(i);
      entries.push_back({key + ".png", picture(key)});
      entries.push_back({key + ".txt", key + " one\n" + key + " two\n"});
    }
    return write_entries(prefix + extension, entries);
  }

  std::filesystem::path write_entries(const std::string& name, const std::vector<ShardEntry>& entries) {
    write_shard(folder_ / name, entries, name.ends_with(".gz") ? Compression::gzip : Compression::none);
    return folder_ / name;
  }

  /// A picture file of 20 x 16 pixels, another for every key.
  static std::string picture(const std::string& key) {
    std::uint32_t seed = 7;
    for (const char c : key) seed = seed * 31 + static_cast<unsigned char>(c);
    return png_bytes(wave_picture(20, 16, seed));
  }

  /// Three shards of 5, 7 and 4 samples.
  std::vector<std::filesystem::path> three_shards() { return {write("a", 5), write("b", 7), write("c", 4)}; }

  static Augmentation strong() {
    return {.min_area = 0.3,
            .max_aspect = 1.5,
            .flip = 0.5,
            .brightness = 0.3,
            .contrast = 0.3,
            .saturation = 0.3};
  }

  TemporaryFolder folder_;
};

/// Everything of samples in one string.
inline std::string content(const std::vector<TrainingSample>& samples) {
  std::string all;
  for (const auto& sample : samples) {
    all += sample.key + " " + std::to_string(sample.source) + " " + std::to_string(sample.label) + " " +
           sample.text + " " + std::to_string(sample.image.width) + "x" +
           std::to_string(sample.image.height) + " ";
    all.append(sample.image.samples.begin(), sample.image.samples.end());
    all += '\n';
  }
  return all;
}

inline std::string content(const TrainingBatch& batch) { return content(batch.samples); }

inline std::vector<std::string> keys(const TrainingBatch& batch) {
  std::vector<std::string> keys;
  for (const auto& sample : batch.samples) keys.push_back(sample.key);
  return keys;
}

/// The keys of the next `batches` batches.
inline std::vector<std::string> keys(TrainingData& data, int batches) {
  std::vector<std::string> all;
  for (int i = 0; i < batches; ++i)
    for (auto& key : keys(data.next())) all.push_back(std::move(key));
  return all;
}

}  // namespace beeld::testing
