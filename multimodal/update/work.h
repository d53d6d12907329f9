#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "multimodal/index/indexer.h"
#include "multimodal/update/picture_files.h"

namespace beeld {

/// What became of a picture on its way through an update.
enum class PictureState {
  decoded,     ///< Pixels are ready to be encoded.
  embedded,    ///< Its embedding is new.
  copied,      ///< Its embedding is that of another picture with the same content.
  renamed,     ///< Its row is that of a picture with the same content whose file is gone.
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
  std::vector<float> embedding;   ///< [D], unit length, where it is new to the picture
  std::int64_t source = 0;        ///< The picture that it is a copy of.
  std::int64_t renamed_from = 0;  ///< The row that becomes its own, also where an embedding is made.
};

using PictureBatch = std::vector<PictureWork>;

/// The three steps that turn files into rows of the index. prepare() may run in several threads at once,
/// encode() and write() in one each.
class UpdateWork {
 public:
  UpdateWork(const PictureEncoder& encoder, const Database& database, PictureTable& table,
             const DecodeOptions& decoding);

  /// Learns which pictures' files are gone: one with the same content is one of them under a new name.
  void expect_renames();

  /// Reads, hashes, recognises or decodes one picture. What is wrong with the picture is recorded in it; what
  /// is wrong with the index is thrown.
  void prepare(PictureWork& picture);

  /// Embeds the decoded pictures of a batch together; where that fails, one by one. Throws where all fail.
  void encode(PictureBatch& batch);

  /// Records a batch in one transaction.
  void write(PictureBatch& batch);

  /// Pictures to be prepared again, and forgets them. What was learned of their files need not be read again.
  PictureBatch take_postponed();

  std::atomic<bool> stop = false;     ///< Set by anybody: pictures not yet encoded are dropped.
  std::atomic<std::size_t> done = 0;  ///< Pictures that prepare() is done with, for good.

  /// Of what was written. Not to be read while the steps run.
  UpdateSummary summary;
  std::unordered_set<std::int64_t> renamed_ids;

 private:
  /// prepare() without counting.
  void decode(PictureWork& picture);
  bool read(PictureWork& picture, std::string& bytes) const;
  bool recognise(PictureWork& picture);
  bool is_known(PictureWork& picture);
  bool is_copy(PictureWork& picture);
  void write(PictureWork& picture);
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
  std::unordered_set<std::string> failed_hashes_;           // copies of these have nothing to wait for
  std::unordered_map<std::string, std::int64_t> embedded_;  // pictures of this update, by hash
  std::unordered_map<std::string, std::vector<std::int64_t>> gone_;  // rows to be renamed, by hash
  PictureBatch postponed_;
};

}  // namespace beeld
