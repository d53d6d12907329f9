#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

#include "multimodal/index/indexer.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

/// A picture of one pixel; different colours make different embeddings.
struct Colour {
  int red, green, blue;
};

void write_file(const std::filesystem::path& path, const std::string& content);
void write_picture(const std::filesystem::path& path, Colour colour);

/// Pictures 000.ppm, 001.ppm, ... of different colours.
void write_pictures(const std::filesystem::path& folder, int count);
Colour colour_of(int number);

/// A model with embeddings of 5 values that reveal the colour of the picture; it counts what it encodes.
class FakeModel {
 public:
  PictureEncoder encoder(const std::string& fingerprint = "fake");

  std::atomic<int> pictures = 0;  ///< encoded, without those of calls that failed
  std::atomic<int> calls = 0;
  std::function<void(std::span<const Pixels>)> before_encoding;  ///< May throw, wait or kill.
};

/// The unit embedding of a colour.
std::vector<float> embedding_of(Colour colour);

class IndexTest : public ::testing::Test {
 protected:
  Indexer open() { return Indexer(database, model.encoder()); }
  UpdateSummary update(const UpdateOptions& options = {});

  /// The path that a search for this colour finds first.
  std::filesystem::path found(Colour colour);

  TemporaryFolder folder;
  std::filesystem::path photos = folder / "photos";
  std::filesystem::path database = folder / "index.db";
  FakeModel model;

  void SetUp() override { std::filesystem::create_directory(photos); }
};

}  // namespace beeld::testing
