#include "multimodal/model/model_state.h"

#include <beeld/error.h>
#include <tbb/task_arena.h>

#include <new>

namespace beeld {

Model::State::State(ModelParts parts, Checkpoint checkpoint, WeightType weights)
    : parts_(std::move(parts)),
      checkpoint_(std::move(checkpoint)),
      weights_(weights),
      has_classifier_(parts_.classifier.present()) {}

template <class Pack>
void Model::State::make_ready(std::once_flag& ready, const Pack& pack_weights) const {
  std::call_once(ready, [&] {
    try {
      // Isolated: while this thread waits for others that pack, it must not begin an encoding, which would
      // wait for this very packing.
      tbb::this_task_arena::isolate(pack_weights);
    } catch (const std::bad_alloc&) {
      throw Error(ErrorCode::limit, "[load] " + info().folder.string() + ": not enough memory");
    }
    checkpoint_.forget_pages();
  });
}

void Model::State::require_images() const {
  if (info().has_images) return;
  throw Error(ErrorCode::unsupported, "[image] " + info().name + " (" + info().family +
                                          ") has no tower of pictures: it embeds texts alone");
}

const VisionTower<float>& Model::State::vision() const {
  require_images();
  make_ready(vision_ready_, [this] {
    pack(parts_.vision, weights_);
    if (has_classifier_) pack(parts_.classifier, weights_);
  });
  return parts_.vision;
}

const Linear<float>& Model::State::classifier() const {
  vision();
  return parts_.classifier;
}

const TextTower<float>& Model::State::text() const {
  make_ready(text_ready_, [this] { pack(*parts_.text, weights_); });
  return *parts_.text;
}

}  // namespace beeld
