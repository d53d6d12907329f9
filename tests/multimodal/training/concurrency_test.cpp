#include "core/base/parallel.h"
#include "tests/multimodal/training/training_fixture.h"

namespace beeld::testing {

// `./dev races` runs every suite whose name begins with Concurrent under the thread sanitizer.

class ConcurrentTrainingData : public TrainingDataTest {
 protected:
  ConcurrentTrainingData() { set_thread_count(4); }
  ~ConcurrentTrainingData() override { set_thread_count(0); }

  std::unique_ptr<TrainingData> open(int prefetch) const {
    return std::make_unique<TrainingData>(
        std::vector<TrainingSource>{{.name = "all", .shards = shards_, .augmentation = strong()}},
        TrainingDataOptions{
            .batch = 6, .edge = 8, .shards_at_once = 2, .cache_bytes = 4000, .prefetch = prefetch});
  }

  std::vector<std::filesystem::path> shards_ = three_shards();
};

TEST_F(ConcurrentTrainingData, BatchesAreMadeAheadWhileOthersAreRead) {
  const auto expected = open(0), ahead = open(3);
  for (int batch = 0; batch < 12; ++batch) EXPECT_EQ(content(ahead->next()), content(expected->next()));
}

TEST_F(ConcurrentTrainingData, EndsWhileBatchesAreMade) {
  for (int read = 0; read < 4; ++read) {
    const auto data = open(2);
    for (int batch = 0; batch < read; ++batch) EXPECT_EQ(data->next().samples.size(), 6u);
  }
}

}  // namespace beeld::testing
