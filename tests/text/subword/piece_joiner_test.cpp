#include "text/subword/piece_joiner.h"

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <random>

#include "tests/support/shared.h"
#include "tests/support/source_tree.h"

namespace beeld {
namespace {

/// Random pieces, with many bytes, control pieces and spaces among them, against the library.
void compare(const std::filesystem::path& file) {
  const SentencePieceModel model(file, DummyPrefix::as_file);
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.Load(file.string()).ok());
  std::mt19937 random(1);
  const auto below = [&](std::size_t end) { return static_cast<int>(random() % end); };
  const int space = std::max(model.find("\u2581"), 0);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> ids;
    for (int length = below(12); length > 0; --length) {
      const int kind = below(4);
      ids.push_back(kind == 0   ? below(std::min<std::size_t>(260, model.size()))
                    : kind == 1 ? space
                                : below(model.size()));
    }
    std::string wanted;
    ASSERT_TRUE(library.Decode(ids, &wanted).ok());
    std::string text;
    PieceJoiner joiner(model);
    for (const int id : ids) joiner.add(id, text);
    joiner.finish(text);
    ASSERT_EQ(text, wanted) << round;
  }
}

TEST(PieceJoiner, JoinsAsTheLibrary) { compare(testing::source_folder() / "data/model/spiece.model"); }

TEST(PieceJoiner, JoinsBytesAsTheLibrary) {
  BEELD_NEED_SHARED("tokenizers/llama2");
  compare(testing::shared_folder() / "tokenizers/llama2/tokenizer.model");
}

TEST(PieceJoiner, JoinsUnknownPiecesAsTheLibrary) {
  BEELD_NEED_SHARED("tokenizers/t5");
  compare(testing::shared_folder() / "tokenizers/t5/spiece.model");
  compare(testing::shared_folder() / "tokenizers/marian-fr-en/target.spm");
}

}  // namespace
}  // namespace beeld
