#include "multimodal/index/work.h"

#include <beeld/error.h>
#include <sys/stat.h>
#include <tbb/task_arena.h>

#include <cerrno>
#include <new>
#include <utility>

#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/tensor/unit_length.h"
#include "vision/decode/decode.h"

namespace beeld {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 30;

bool file_is_gone(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

// What the system refused today it may grant tomorrow without any change of the file.
void give_up(PictureWork& picture, const std::string& reason, bool may_change) {
  picture.state = PictureState::unreadable;
  picture.record.error = reason.empty() ? "unknown error" : reason;
  if (may_change) picture.record.stamp = try_again;
}

/// Runs one step of a picture; false, with the reason recorded, where it throws.
template <class Step>
bool attempt(PictureWork& picture, const Step& step) {
  try {
    step();
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found)
      picture.state = PictureState::dropped;
    else
      // A limit depends on the settings and on the memory that is free.
      give_up(picture, error.what(), error.code() == ErrorCode::io || error.code() == ErrorCode::limit);
  } catch (const std::bad_alloc&) {
    give_up(picture, "not enough memory", true);
  } catch (const std::exception& error) {
    give_up(picture, error.what(), false);
  }
  return false;
}

void take_embedding(PictureWork& picture, std::span<float> row) {
  if (!scale_to_unit(row)) return give_up(picture, "the model gives zeros or infinities for it", false);
  picture.embedding.assign(row.begin(), row.end());
  picture.state = PictureState::embedded;
}

}  // namespace

UpdateWork::UpdateWork(const PictureEncoder& encoder, const Database& database, PictureTable& table,
                       const DecodeOptions& decoding)
    : encoder_(encoder), database_(database), table_(table), decoding_(decoding) {}

void UpdateWork::prepare(PictureWork& picture) {
  read(picture);
  if (picture.state != PictureState::postponed) ++done;
}

void UpdateWork::read(PictureWork& picture) {
  picture.state = PictureState::dropped;
  if (stop) return;
  const auto& path = picture.record.path;
  std::string bytes;
  const auto hash = [&] {
    bytes = read_file(path, max_file_bytes);
    // Cryptographic, so that no file can be made to pass for another; decoding costs far more.
    Digest digest;
    digest.add(bytes);
    picture.record.hash = digest.hex();
  };
  if (!attempt(picture, hash) || recognise(picture) || stop) return;
  const auto decode = [&] {
    const std::span content(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    MemoryLease lease;  // until the picture is small
    picture.pixels = encoder_.preprocess(decode_image(content, decoding_, path, lease));
    picture.state = PictureState::decoded;
  };
  attempt(picture, decode);
}

// True where nothing is left to be done for the picture.
bool UpdateWork::recognise(PictureWork& picture) {
  const std::lock_guard lock(mutex_);
  if (reuse(picture)) return true;
  if (failed_hashes_.contains(picture.record.hash)) return false;
  if (hashes_in_work_.insert(picture.record.hash).second) return false;
  picture.state = PictureState::postponed;
  postponed_.push_back({picture.record.path, picture.record.stamp});
  return true;
}

bool UpdateWork::reuse(PictureWork& picture) {
  const auto same = table_.with_content(picture.record.hash, picture.record.path);
  if (same.empty()) return false;
  const PictureRecord* source = &same.front();
  picture.state = PictureState::copied;
  if (source->path == picture.record.path) {
    picture.state = PictureState::touched;
  } else {
    for (const auto& record : same) {
      if (claimed_.contains(record.id) || !file_is_gone(record.path)) continue;
      source = &record;
      claimed_.insert(record.id);
      picture.renamed_from = record.id;
      picture.state = PictureState::renamed;
      break;
    }
  }
  picture.embedding.resize(encoder_.model.dimension);
  std::string path;
  if (table_.read(source->id, path, picture.embedding)) return true;
  throw Error(ErrorCode::corrupt, "[index] " + source->path + ": neither an embedding nor an error");
}

Matrix UpdateWork::embed(std::span<const Pixels> pixels) const {
  // Isolated: a thread that waits inside the model must not begin to decode other pictures.
  auto rows = tbb::this_task_arena::isolate([&] { return encoder_.encode(pixels); });
  if (rows.rows != pixels.size() || rows.columns != encoder_.model.dimension) {
    throw Error(ErrorCode::invalid_argument, "[index] expected embeddings [" + std::to_string(pixels.size()) +
                                                 "," + std::to_string(encoder_.model.dimension) + "], got [" +
                                                 std::to_string(rows.rows) + "," +
                                                 std::to_string(rows.columns) + "]");
  }
  return rows;
}

void UpdateWork::encode(PictureBatch& batch) {
  std::vector<PictureWork*> pictures;
  std::vector<Pixels> pixels;
  for (auto& picture : batch) {
    if (picture.state != PictureState::decoded) continue;
    picture.state = PictureState::dropped;
    if (stop) continue;
    pictures.push_back(&picture);
    pixels.push_back(std::move(picture.pixels));
  }
  if (pictures.empty()) return;
  Matrix rows;
  try {
    rows = embed(pixels);
  } catch (const std::exception&) {
    return embed_singly(pictures, pixels);
  }
  for (std::size_t i = 0; i < pictures.size(); ++i) take_embedding(*pictures[i], rows[i]);
}

void UpdateWork::embed_singly(const std::vector<PictureWork*>& pictures, std::vector<Pixels>& pixels) const {
  std::size_t failures = 0;
  std::exception_ptr last;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto step = [&] {
      try {
        auto row = embed(std::span(&pixels[i], 1));
        take_embedding(*pictures[i], row[0]);
      } catch (...) {
        last = std::current_exception();
        throw;
      }
    };
    if (!attempt(*pictures[i], step)) ++failures;
  }
  // Where not one of several pictures can be encoded, the model is at fault and not the pictures.
  if (failures == pictures.size() && failures > 1) std::rethrow_exception(last);
}

void UpdateWork::write(PictureBatch& batch) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_, Transaction::Kind::write);
  table_.generation();
  for (auto& picture : batch) {
    if (picture.state == PictureState::dropped || picture.state == PictureState::postponed) continue;
    if (picture.state == PictureState::touched)
      table_.restamp(picture.record);
    else
      table_.write(picture.record, picture.embedding);
    if (picture.renamed_from) table_.erase(picture.renamed_from);
  }
  table_.advance_generation();
  transaction.commit();
  for (auto& picture : batch) record(picture);
}

void UpdateWork::record(PictureWork& picture) {
  if (picture.state == PictureState::postponed) return;
  hashes_in_work_.erase(picture.record.hash);
  switch (picture.state) {
    case PictureState::embedded:
    case PictureState::copied:
      ++summary.added;
      break;
    case PictureState::renamed:
      ++summary.renamed;
      renamed_ids.insert(picture.renamed_from);
      break;
    case PictureState::touched:
      ++summary.unchanged;
      break;
    case PictureState::unreadable:
      failed_hashes_.insert(picture.record.hash);
      summary.unreadable.push_back({picture.record.path, picture.record.error});
      break;
    case PictureState::decoded:
    case PictureState::postponed:
    case PictureState::dropped:
      break;
  }
}

std::vector<PictureFile> UpdateWork::take_postponed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(postponed_, {});
}

}  // namespace beeld
