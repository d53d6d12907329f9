#include "multimodal/evaluation/evaluate.h"

#include <beeld/error.h>

#include <algorithm>

#include "core/base/parallel.h"
#include "multimodal/data/shards.h"

namespace beeld {

namespace {

/// Samples whose pictures were decoded and preprocessed; the two run in step.
struct Batch {
  std::vector<Sample> samples;
  std::vector<Pixels> pixels;
};

std::vector<Sample> read_samples(ShardReader& reader, std::size_t count) {
  std::vector<Sample> samples;
  while (samples.size() < std::max<std::size_t>(count, 1)) {
    auto sample = reader.next();
    if (!sample) break;
    samples.push_back(std::move(*sample));
  }
  return samples;
}

/// Decodes and preprocesses side by side; `unfit` says what a sample lacks, or nullptr. Unusable samples
/// move to `skipped`.
template <typename Unfit>
Batch prepare(const Model& model, std::vector<Sample> samples, Unfit unfit,
              std::vector<SkippedSample>& skipped) {
  std::vector<Pixels> pixels(samples.size());
  std::vector<std::string> reasons(samples.size());
  parallel_for(static_cast<std::int64_t>(samples.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const auto& sample = samples[i];
      reasons[i] = sample.problem;
      if (!reasons[i].empty()) continue;
      if (const char* lack = sample.image.empty() ? "no picture" : unfit(sample)) {
        reasons[i] = lack;
        continue;
      }
      try {
        const DecodeOptions as_reference{.orientation = Orientation::ignore};
        pixels[i] = model.preprocess(decode_image(sample.image, as_reference, sample.key));
      } catch (const Error& error) {
        reasons[i] = error.what();
      }
    }
  });

  Batch batch;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (reasons[i].empty()) {
      batch.samples.push_back(std::move(samples[i]));
      batch.pixels.push_back(std::move(pixels[i]));
    } else {
      skipped.push_back({samples[i].shard, samples[i].key, reasons[i]});
    }
  }
  return batch;
}

/// What an evaluation walks over, and what it leaves out on its way.
struct Walk {
  const Model& model;
  const std::vector<std::filesystem::path>& shards;
  const EvaluationOptions& options;
  std::vector<SkippedSample>& skipped;
};

/// Walks over all shards: use(batch, unit image embeddings [N,D]) for each batch of usable samples.
template <typename Unfit, typename Use>
std::size_t walk_over(const Walk& walk, Unfit unfit, Use use) {
  const auto& [model, shards, options, skipped] = walk;
  if (!model.info().has_images) {
    throw Error(ErrorCode::unsupported, "[evaluate] " + model.info().name + " (" + model.info().family +
                                            ") embeds texts only, not pictures");
  }
  ShardReader reader(shards);
  std::size_t images = 0;
  while (true) {
    auto samples = read_samples(reader, options.batch);
    if (samples.empty()) break;
    const auto batch = prepare(model, std::move(samples), unfit, skipped);
    if (batch.samples.empty()) continue;
    auto embeddings = model.encode_pixels(batch.pixels);
    normalize_rows(embeddings);
    use(batch.samples, embeddings);
    images += batch.samples.size();
    if (options.progress) options.progress(images);
  }
  if (images == 0) {
    throw Error(ErrorCode::invalid_argument,
                "[evaluate] no usable sample in " + std::to_string(shards.size()) + " shards" +
                    (skipped.empty() ? "" : "; the first was skipped: " + skipped.front().reason));
  }
  return images;
}

void append_rows(Matrix& matrix, const Matrix& rows) {
  matrix.columns = rows.columns;
  matrix.rows += rows.rows;
  matrix.values.insert(matrix.values.end(), rows.values.begin(), rows.values.end());
}

}  // namespace

ZeroShotResult evaluate_zero_shot(const Model& model, const ZeroShot& classifier,
                                  const std::vector<std::filesystem::path>& shards,
                                  const EvaluationOptions& options) {
  ZeroShotResult result;
  result.classes = classifier.label_embeddings().rows;
  const auto unfit = [&](const Sample& sample) -> const char* {
    if (!sample.label) return "no class";
    return static_cast<std::uint64_t>(*sample.label) < result.classes ? nullptr : "class out of range";
  };
  std::size_t hits1 = 0;
  std::size_t hits5 = 0;
  result.images = walk_over({model, shards, options, result.skipped}, unfit,
                            [&](const std::vector<Sample>& samples, const Matrix& embeddings) {
                              const auto logits = classifier.logits(embeddings);
                              for (std::size_t i = 0; i < samples.size(); ++i) {
                                const auto rank =
                                    rank_of(logits[i], static_cast<std::size_t>(*samples[i].label));
                                hits1 += rank < 1 ? 1 : 0;
                                hits5 += rank < 5 ? 1 : 0;
                              }
                            });
  result.top1 = 100.0 * static_cast<double>(hits1) / static_cast<double>(result.images);
  result.top5 = 100.0 * static_cast<double>(hits5) / static_cast<double>(result.images);
  return result;
}

RetrievalResult evaluate_retrieval(const Model& model, const std::vector<std::filesystem::path>& shards,
                                   const EvaluationOptions& options) {
  if (!model.info().has_text) {
    throw Error(ErrorCode::unsupported, "[evaluate] retrieval needs a text tower; " +
                                            model.info().folder.string() + " (" + model.info().family +
                                            ") has none");
  }
  RetrievalResult result;
  const auto unfit = [](const Sample& sample) { return sample.captions.empty() ? "no caption" : nullptr; };
  Matrix images;
  Matrix texts;
  std::vector<std::size_t> image_of;
  result.images = walk_over({model, shards, options, result.skipped}, unfit,
                            [&](const std::vector<Sample>& samples, const Matrix& embeddings) {
                              std::vector<std::string> captions;
                              for (std::size_t i = 0; i < samples.size(); ++i) {
                                const auto& own = samples[i].captions;
                                captions.insert(captions.end(), own.begin(), own.end());
                                image_of.insert(image_of.end(), own.size(), images.rows + i);
                              }
                              append_rows(images, embeddings);
                              auto rows = model.encode_texts(captions);
                              normalize_rows(rows);
                              append_rows(texts, rows);
                            });
  const auto recall = retrieval_recall(texts, images, image_of);
  result.texts = texts.rows;
  result.text_to_image = recall.text_to_image;
  result.image_to_text = recall.image_to_text;
  return result;
}

}  // namespace beeld
