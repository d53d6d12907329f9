#include "multimodal/update/work.h"

#include <beeld/error.h>
#include <tbb/task_arena.h>

#include <new>
#include <utility>

#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/tensor/unit_length.h"
#include "vision/decode/decode.h"
#include "vision/decode/photo_facts.h"

namespace beeld {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 30;

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

std::span<const std::uint8_t> content_of(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// What a camera wrote beside the pixels.
void read_facts(const std::string& bytes, PictureRecord& record) {
  const auto facts = read_photo_facts(content_of(bytes));
  record.taken = facts.taken;
  record.place = facts.place;
}

}  // namespace

UpdateWork::UpdateWork(const PictureEncoder& encoder, const Database& database, PictureTable& table,
                       const DecodeOptions& decoding)
    : encoder_(encoder), database_(database), table_(table), decoding_(decoding) {}

void UpdateWork::expect_renames() {
  table_.for_each_gone([this](std::int64_t id, std::string_view hash) {
    if (!hash.empty()) gone_[std::string(hash)].push_back(id);
  });
}

void UpdateWork::prepare(PictureWork& picture) {
  decode(picture);
  if (picture.state != PictureState::postponed) ++done;
}

bool UpdateWork::read(PictureWork& picture, std::string& bytes) const {
  return attempt(picture, [&] {
    bytes = read_file(picture.record.path, max_file_bytes);
    // Cryptographic, so that no file can be made to pass for another; decoding costs far more.
    Digest digest;
    digest.add(bytes);
    picture.record.hash = digest.hex();
    read_facts(bytes, picture.record);
  });
}

void UpdateWork::decode(PictureWork& picture) {
  const bool was_postponed = picture.state == PictureState::postponed;
  picture.state = PictureState::dropped;
  if (stop) return;
  std::string bytes;
  if (!was_postponed && !read(picture, bytes)) return;
  if (recognise(picture) || stop) return;
  if (was_postponed && !read(picture, bytes)) return;
  const auto decode = [&] {
    MemoryLease lease;  // until the picture is small
    const auto image = decode_image(content_of(bytes), decoding_, picture.record.path, lease);
    picture.record.damage = image.damage;
    picture.pixels = encoder_.preprocess(image);
    picture.state = PictureState::decoded;
  };
  attempt(picture, decode);
}

// True where nothing is left to be done for the picture.
bool UpdateWork::recognise(PictureWork& picture) {
  const std::lock_guard lock(mutex_);
  if (is_known(picture)) return true;
  const auto& hash = picture.record.hash;
  if (failed_hashes_.contains(hash)) return false;
  if (hashes_in_work_.contains(hash)) {
    picture.state = PictureState::postponed;
    postponed_.push_back(picture);
    return true;
  }
  if (is_copy(picture)) return true;
  hashes_in_work_.insert(hash);
  return false;
}

// Whether the index has an embedding of just this picture, under its path or one whose file is gone.
bool UpdateWork::is_known(PictureWork& picture) {
  if (picture.renamed_from != 0) return false;  // that has been looked at before
  const auto known = table_.find(picture.record.path);
  if (known.id != 0 && known.hash == picture.record.hash) {
    picture.state = PictureState::touched;
    picture.record.damage = known.damage;
    return known.embedded;
  }
  const auto gone = gone_.find(picture.record.hash);
  if (gone == gone_.end()) return false;
  picture.renamed_from = gone->second.back();
  gone->second.pop_back();
  if (gone->second.empty()) gone_.erase(gone);
  picture.state = PictureState::renamed;
  const auto former = table_.find(picture.renamed_from);
  picture.record.damage = former.damage;
  return former.embedded;
}

// Whether there is an embedding of another picture with the same content. It is read now, since that picture
// may be another one when this one is written.
bool UpdateWork::is_copy(PictureWork& picture) {
  const auto& hash = picture.record.hash;
  const auto found = embedded_.find(hash);
  picture.source = found != embedded_.end() ? found->second : table_.with_content(hash);
  if (picture.source == 0) return false;
  PictureRecord source;
  picture.embedding.resize(encoder_.model.dimension);
  if (!table_.read(picture.source, source, picture.embedding) || source.hash != hash) {
    picture.source = 0;
    return false;
  }
  picture.state = picture.renamed_from != 0 ? PictureState::renamed : PictureState::copied;
  picture.record.damage = source.damage;
  return true;
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
  for (auto& picture : batch) write(picture);
  table_.advance_generation();
  transaction.commit();
  for (auto& picture : batch) record(picture);
}

void UpdateWork::write(PictureWork& picture) {
  const auto state = picture.state;
  if (state == PictureState::dropped || state == PictureState::postponed) return;
  // The embeddings of all models come along, also where this model has yet to make its own.
  if (picture.renamed_from != 0) table_.rename(picture.renamed_from, picture.record);
  if (state == PictureState::touched)
    table_.restamp(picture.record);
  else if (state != PictureState::renamed || picture.source != 0)
    picture.record.id = table_.write(picture.record, picture.embedding, picture.source);
}

void UpdateWork::record(PictureWork& picture) {
  if (picture.state == PictureState::postponed) return;
  hashes_in_work_.erase(picture.record.hash);
  if (picture.renamed_from != 0 && picture.state != PictureState::dropped)
    renamed_ids.insert(picture.renamed_from);
  if (!picture.record.damage.empty() && picture.state != PictureState::dropped)
    summary.damaged.push_back({picture.record.path, picture.record.damage});
  switch (picture.state) {
    case PictureState::embedded:
      embedded_.emplace(picture.record.hash, picture.record.id);
      ++summary.added;
      break;
    case PictureState::copied:
      ++summary.added;
      break;
    case PictureState::renamed:
      ++summary.renamed;
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

PictureBatch UpdateWork::take_postponed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(postponed_, {});
}

}  // namespace beeld
