#include "cli/pictures/pictures.h"

#include <beeld/error.h>

#include <algorithm>
#include <atomic>
#include <thread>

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
  std::string damage;  ///< of a picture that was read in spite of it
};

Loaded load(const Model& model, const std::filesystem::path& file, const DecodeOptions& decoding) {
  try {
    MemoryLease lease;  // until the picture is small
    const Image image = load_image(file, decoding, lease);
    return {model.preprocess(image), "", image.damage};
  } catch (const std::exception& error) {
    return {{}, error.what(), ""};
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
  if (!files.empty() && !model.info().has_images) {
    throw Error(ErrorCode::unsupported, "[images] " + model.info().name + " (" + model.info().family +
                                            ") embeds texts only, not pictures");
  }
  DecodeOptions options = decoding;
  options.target_edge = model.info().image_size;
  Progress bar(session.output, "encoding");
  const auto watcher = std::this_thread::get_id();  // the bar is not for several threads
  for (std::size_t first = 0; first < files.size(); first += batch) {
    std::vector<Loaded> loaded(std::min(batch, files.size() - first));
    std::atomic<std::size_t> done = first;
    parallel_for(static_cast<std::int64_t>(loaded.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        loaded[i] = load(model, files[first + i], options);
        ++done;
        if (std::this_thread::get_id() == watcher) bar.show(done, files.size());
      }
    });
    PictureBatch batch;
    for (std::size_t i = 0; i < loaded.size(); ++i) {
      if (!loaded[i].reason.empty()) {
        bar.clear();
        session.output.failed(files[first + i].string(), loaded[i].reason);
        continue;
      }
      if (!loaded[i].damage.empty()) {
        bar.clear();
        session.output.note("beeld: " + printable(files[first + i].string()) + ": " + loaded[i].damage);
      }
      batch.inputs.push_back(first + i);
      batch.pixels.push_back(std::move(loaded[i].pixels));
    }
    bar.clear();
    if (!batch.inputs.empty()) use(batch);
  }
}

}  // namespace beeld::cli
