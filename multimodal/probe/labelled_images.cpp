#include "multimodal/probe/labelled_images.h"

#include <beeld/error.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

#include "core/base/parallel.h"
#include "multimodal/data/shards.h"
#include "multimodal/update/picture_files.h"

namespace beeld {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_size = 64;

/// A picture to be read, as a file or as its bytes.
struct Item {
  std::string name;
  std::vector<std::uint8_t> bytes;
  std::size_t label = 0;
};

Image decode(const Item& item) {
  if (item.bytes.empty()) return load_image(item.name);
  return decode_image(item.bytes, {.orientation = Orientation::ignore}, item.name);
}

/// Embeds items as they come, a batch at a time.
class Embedder {
 public:
  Embedder(const Model& model, const std::function<void(std::size_t)>& progress)
      : model_(model), progress_(progress) {
    result_.examples.embeddings.columns = model.info().dimension;
  }

  void add(Item item) {
    batch_.push_back(std::move(item));
    if (batch_.size() == batch_size) flush();
  }

  void skip(std::string name, std::string reason) {
    result_.skipped.push_back({std::move(name), std::move(reason)});
  }

  LabelledImages finish() {
    flush();
    return std::move(result_);
  }

 private:
  void flush() {
    std::vector<Pixels> decoded(batch_.size());
    std::vector<std::string> reasons(batch_.size());
    parallel_for(static_cast<std::int64_t>(batch_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        try {
          decoded[i] = model_.preprocess(decode(batch_[i]));
        } catch (const Error& error) {
          reasons[i] = error.what();
        }
      }
    });
    std::vector<Pixels> pixels;
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      if (!reasons[i].empty()) {
        skip(std::move(batch_[i].name), std::move(reasons[i]));
        continue;
      }
      pixels.push_back(std::move(decoded[i]));
      result_.examples.labels.push_back(batch_[i].label);
    }
    batch_.clear();
    if (pixels.empty()) return;
    auto rows = model_.encode_pixels(pixels);
    normalize_rows(rows);
    auto& embeddings = result_.examples.embeddings;
    embeddings.rows += rows.rows;
    embeddings.values.insert(embeddings.values.end(), rows.values.begin(), rows.values.end());
    if (progress_) progress_(embeddings.rows);
  }

  const Model& model_;
  const std::function<void(std::size_t)>& progress_;
  std::vector<Item> batch_;
  LabelledImages result_;
};

void embed_folder(Embedder& embedder, const fs::path& folder, const std::vector<std::string>& classes) {
  for (const auto& name : class_folders({folder})) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) {
      throw Error(ErrorCode::invalid_argument, "[pictures] " + (folder / name).string() + ": none of the " +
                                                   std::to_string(classes.size()) + " classes has this name");
    }
    const auto label = static_cast<std::size_t>(found - classes.begin());
    const auto below = find_picture_files({folder / name});
    for (const auto& file : below.files) embedder.add({file.path, {}, label});
    for (const auto& file : below.unreadable) embedder.skip(file.path.string(), file.reason);
  }
}

void embed_shard(Embedder& embedder, const fs::path& shard, std::size_t classes) {
  ShardReader reader({shard});
  while (auto sample = reader.next()) {
    auto name = shard.string() + ": " + sample->key;
    if (!sample->problem.empty())
      embedder.skip(std::move(name), std::move(sample->problem));
    else if (sample->image.empty())
      embedder.skip(std::move(name), "no picture");
    else if (!sample->label)
      embedder.skip(std::move(name), "no class");
    else if (static_cast<std::uint64_t>(*sample->label) >= classes)
      embedder.skip(std::move(name), "class out of range");
    else
      embedder.add({std::move(name), std::move(sample->image), static_cast<std::size_t>(*sample->label)});
  }
}

}  // namespace

std::vector<std::string> class_folders(const std::vector<fs::path>& folders) {
  std::set<std::string> names;
  for (const auto& folder : folders) {
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      std::error_code ignored;
      auto name = entry->path().filename().string();
      if (entry->is_directory(ignored) && name.front() != '.') names.insert(std::move(name));
    }
    if (failure) {
      const bool absent = failure == std::errc::no_such_file_or_directory;
      throw Error(absent ? ErrorCode::not_found : ErrorCode::io,
                  "[pictures] " + folder.string() + ": " + failure.message());
    }
  }
  return {names.begin(), names.end()};
}

LabelledImages embed_labelled(const Model& model, const std::vector<fs::path>& sources,
                              const std::vector<std::string>& classes,
                              const std::function<void(std::size_t)>& progress) {
  Embedder embedder(model, progress);
  for (const auto& source : sources) {
    std::error_code ignored;
    if (fs::is_directory(source, ignored))
      embed_folder(embedder, source, classes);
    else
      embed_shard(embedder, source, classes.size());
  }
  return embedder.finish();
}

}  // namespace beeld
