#include "cli/pictures/pictures.h"

#include <beeld/error.h>

#include <algorithm>

#include "cli/terminal/progress.h"
#include "core/base/parallel.h"
#include "multimodal/update/picture_files.h"
#include "vision/decode/decode.h"

namespace beeld::cli {

namespace {

constexpr std::size_t batch = 16;

/// A picture, or why there is none.
struct Loaded {
  Pixels pixels;
  std::string reason;
};

Loaded load(const Model& model, const std::filesystem::path& file, const DecodeOptions& decoding) {
  try {
    MemoryLease lease;  // until the picture is small
    return {model.preprocess(load_image(file, decoding, lease)), ""};
  } catch (const std::exception& error) {
    return {{}, error.what()};
  }
}

}  // namespace

std::vector<std::filesystem::path> picture_files(Session& session,
                                                 const std::vector<std::string>& arguments) {
  std::vector<std::filesystem::path> files;
  for (const auto& argument : arguments) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(argument, ignored)) {
      files.emplace_back(argument);
      continue;
    }
    const auto below = find_picture_files({argument});
    for (const auto& file : below.files) files.emplace_back(file.path);
    for (const auto& picture : below.unreadable) session.output.failed(picture.path.string(), picture.reason);
  }
  return files;
}

void for_each_batch(Session& session, const std::vector<std::filesystem::path>& files,
                    const DecodeOptions& decoding, const std::function<void(const PictureBatch&)>& use) {
  const Model& model = session.model();
  DecodeOptions options = decoding;
  options.target_edge = model.info().image_size;
  Progress bar(session.output, "encoding");
  for (std::size_t first = 0; first < files.size(); first += batch) {
    std::vector<Loaded> loaded(std::min(batch, files.size() - first));
    parallel_for(static_cast<std::int64_t>(loaded.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
        loaded[i] = load(model, files[first + i], options);
    });
    PictureBatch batch;
    for (std::size_t i = 0; i < loaded.size(); ++i) {
      if (!loaded[i].reason.empty()) {
        bar.clear();
        session.output.failed(files[first + i].string(), loaded[i].reason);
        continue;
      }
      batch.inputs.push_back(first + i);
      batch.pixels.push_back(std::move(loaded[i].pixels));
    }
    if (!batch.inputs.empty()) use(batch);
    bar.show(first + loaded.size(), files.size());
  }
}

}  // namespace beeld::cli
