// Every file that $BEELD_SHARED has of checkpoints to refuse, in the place of a good one's weights.

#include <beeld/error.h>
#include <beeld/image.h>
#include <beeld/model.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/npy.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

namespace fs = std::filesystem;

constexpr double embedding_tolerance = 2e-6;

bool embeds_as_expected(const Model& model, const fs::path& base) {
  const auto texts = read_json(base / "inputs/texts.json").get<std::vector<std::string>>();
  auto embeddings = model.encode_texts(texts);
  normalize_rows(embeddings);
  const auto expected = testing::read_npy(base / "expected/text_embeds.npy");
  return std::ranges::equal(embeddings.values, expected.values, [](float value, auto wanted) {
    return std::abs(static_cast<double>(value) - static_cast<double>(wanted)) <= embedding_tolerance;
  });
}

TEST(HostilePickles, AreRefusedByName) {
  BEELD_NEED_SHARED("conformance/pickle/hostile");
  const auto hostile = testing::shared_folder() / "conformance/pickle/hostile", base = hostile / "base";
  const testing::TemporaryFolder folder;
  for (const auto& entry : fs::directory_iterator(base)) {
    if (entry.is_regular_file()) fs::copy_file(entry.path(), folder / entry.path().filename());
  }
  const auto weights = folder / "pytorch_model.bin";
  fs::remove(weights);
  testing::expect_error(ErrorCode::not_found, "pytorch_model.bin", [&] { Model::load(folder.path()); });
  fs::copy_file(base / "pytorch_model.bin", weights);
  EXPECT_TRUE(embeds_as_expected(Model::load(folder.path()), base)) << "the good one";

  const auto manifest = read_json(hostile / "manifest.json");
  int refused = 0, loaded = 0;
  for (const auto& [name, fact] : manifest.items()) {
    SCOPED_TRACE(name + ": " + fact["why"].get<std::string>());
    write_file_atomically(weights, read_file(hostile / "files" / (name + ".bin"), 1u << 24));
    const auto verdict = fact["verdict"].get<std::string>();
    try {
      const auto model = Model::load(folder.path());
      ++loaded;
      EXPECT_NE(verdict, "refuse") << "loaded";
      EXPECT_TRUE(verdict != "refuse or equal" || embeds_as_expected(model, base));
    } catch (const Error& error) {
      ++refused;
      EXPECT_NE(std::string(error.what()).find("pytorch_model.bin"), std::string::npos) << error.what();
      std::printf("%-32s %s\n", name.c_str(), error.what());
    }
  }
  EXPECT_GE(refused, 100);
  std::printf("%d refused, %d loaded\n", refused, loaded);
}

}  // namespace
}  // namespace beeld
