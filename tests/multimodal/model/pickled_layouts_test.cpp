// Checkpoints whose weights torch has pickled, against the same weights as safetensors.

#include <beeld/error.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/torch_files.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;
using testing::StoredTensors;
using testing::TorchForm;

std::vector<float> text_embeddings(const fs::path& model) {
  return Model::load(model).encode_texts(std::vector<std::string>{"a dog", "snow"}).values;
}

class PickledLayouts : public ::testing::Test {
 protected:
  PickledLayouts() {
    testing::write_tiny_model(original);
    weights = testing::read_tensors(original / "model.safetensors");
    expected = text_embeddings(original);
    fs::copy(original, other);
    fs::remove(other / "model.safetensors");
  }

  testing::TemporaryFolder folder;
  fs::path original = folder / "original", other = folder / "other";
  StoredTensors weights;
  std::vector<float> expected;
};

TEST_F(PickledLayouts, EveryFormGivesTheSame) {
  for (const auto form :
       {TorchForm::archive, TorchForm::archive_zip64, TorchForm::stream, TorchForm::script}) {
    testing::write_torch(other / "pytorch_model.bin", weights, DType::f32, form);
    EXPECT_EQ(text_embeddings(other), expected);
  }
}

TEST_F(PickledLayouts, ShardsGiveTheSame) {
  StoredTensors first, second;
  nlohmann::json map;
  for (const auto& [name, tensor] : weights) {
    const bool even = (map.size() % 2) == 0;
    (even ? first : second)[name] = tensor;
    map[name] = even ? "pytorch_model-00001-of-00002.bin" : "pytorch_model-00002-of-00002.bin";
  }
  testing::write_torch(other / "pytorch_model-00001-of-00002.bin", first);
  testing::write_torch(other / "pytorch_model-00002-of-00002.bin", second);
  write_file_atomically(other / "pytorch_model.bin.index.json", nlohmann::json{{"weight_map", map}}.dump());
  EXPECT_EQ(text_embeddings(other), expected);
}

TEST_F(PickledLayouts, OneFileOfAnyNameWillDo) {
  StoredTensors parallel;
  for (const auto& [name, tensor] : weights) parallel["module." + name] = tensor;
  testing::write_torch(other / "epoch_3.pt", parallel);
  EXPECT_EQ(text_embeddings(other), expected);
}

TEST_F(PickledLayouts, WeightsAreInTheFingerprint) {
  testing::write_torch(other / "pytorch_model.bin", weights);
  const auto fingerprint = Model::load(other).info().fingerprint;
  weights.begin()->second.values[0] += 1;
  testing::write_torch(other / "pytorch_model.bin", weights);
  EXPECT_NE(Model::load(other).info().fingerprint, fingerprint);
}

TEST_F(PickledLayouts, AWrongFileIsNamed) {
  weights.erase("text_projection.weight");
  testing::write_torch(other / "pytorch_model.bin", weights);
  try {
    Model::load(other);
    ADD_FAILURE() << "without text_projection.weight";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("pytorch_model.bin: text_projection.weight"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace beeld
