#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "multimodal/index/indexer.h"

namespace beeld {

/// What became of a picture on its way through an update.
enum class PictureState {
  decoded,     ///< Pixels are ready to be encoded.
  embedded,    ///< Its embedding is new.
  copied,      ///< Its embedding is that of another picture with the same content.
  renamed,     ///< The same, and the other picture's file is gone.
  touched,     ///< Its content is what the index has; only the stamp is new.
  unreadable,  ///< `record.error` says why.
  postponed,   ///< A picture with the same content is on its way: look again when that one is done.
  dropped,     ///< The file is gone, or the update was cancelled: nothing is recorded.
};

/// A picture on its way through an update.
struct PictureWork {
  PictureRecord record;
  PictureState state = PictureState::decoded;
  Pixels pixels;
  std::vector<float> embedding;  ///< [D], unit length
  std::int64_t renamed_from = 0;
};

using PictureBatch = std::vector<PictureWork>;

/// The three steps that turn files into rows of the index. prepare() may run in several threads at once,
/// encode() and write() in one each.
class UpdateWork {
 public:
  UpdateWork(const PictureEncoder& encoder, const Database& database, PictureTable& table,
             const DecodeOptions& decoding);

  /// Reads, hashes, recognises or decodes one picture. What is wrong with the picture is recorded in it; what
  /// is wrong with the index is thrown.
  void prepare(PictureWork& picture);

  /// Embeds the decoded pictures of a batch together; where that fails, one by one. Throws where all fail.
  void encode(PictureBatch& batch);

  /// Records a batch in one transaction.
  void write(PictureBatch& batch);

  /// Files to be looked at again, and forgets them.
  std::vector<PictureFile> take_postponed();

  std::atomic<bool> stop = false;     ///< Set by anybody: pictures not yet encoded are dropped.
  std::atomic<std::size_t> done = 0;  ///< Pictures that prepare() is done with, for good.

  /// Of what was written. Not to be read while the steps run.
  UpdateSummary summary;
  std::set<std::int64_t> renamed_ids;

 private:
  void read(PictureWork& picture);
  bool recognise(PictureWork& picture);
  bool reuse(PictureWork& picture);
  Matrix embed(std::span<const Pixels> pixels) const;
  void embed_singly(const std::vector<PictureWork*>& pictures, std::vector<Pixels>& pixels) const;
  void record(PictureWork& picture);

  const PictureEncoder& encoder_;
  const Database& database_;
  PictureTable& table_;
  const DecodeOptions& decoding_;

  // Guards the table and what follows.
  std::mutex mutex_;
  std::unordered_set<std::string> hashes_in_work_;
  std::unordered_set<std::string> failed_hashes_;  // copies of these have nothing to wait for
  std::set<std::int64_t> claimed_;                 // rows that a picture in work has been recognised as
  std::vector<PictureFile> postponed_;
};

}  // namespace beeld
