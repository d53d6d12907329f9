#include "multimodal/training/evaluation.h"

#include "multimodal/data/class_names.h"
#include "multimodal/evaluation/evaluate.h"

namespace beeld {

namespace {

nlohmann::ordered_json recall_json(const Recall& recall) {
  return {{"r@1", recall.at1}, {"r@5", recall.at5}, {"r@10", recall.at10}};
}

}  // namespace

nlohmann::ordered_json evaluate(const Model& model, const RunEvaluation& evaluation) {
  if (evaluation.task == RunEvaluation::Task::zero_shot) {
    const ZeroShot classifier(model, read_class_names(evaluation.classes), evaluation.templates);
    const auto result = evaluate_zero_shot(model, classifier, evaluation.shards);
    return {{"evaluation", evaluation.name}, {"top1", result.top1}, {"top5", result.top5}};
  }
  const auto result = evaluate_retrieval(model, evaluation.shards);
  return {{"evaluation", evaluation.name},
          {"t2i", recall_json(result.text_to_image)},
          {"i2t", recall_json(result.image_to_text)}};
}

}  // namespace beeld
