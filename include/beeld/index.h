#pragma once

#include <beeld/model.h>

#include <functional>

namespace beeld {

/// One answer of a search.
struct Match {
  std::filesystem::path path;
  float score = 0;  ///< cosine
};

/// Where an update stands; handed to UpdateOptions::progress about ten times a second.
struct IndexProgress {
  std::size_t done = 0;   ///< Pictures read so far; the last few of them are still to be embedded.
  std::size_t total = 0;  ///< Pictures that need work in this update.
  double seconds = 0;     ///< Since the update began.
};

struct UpdateOptions {
  bool prune = false;    ///< Forget pictures whose files are gone.
  bool reindex = false;  ///< Start again when the index was made by another model or with other `decoding`.
  DecodeOptions decoding =
      {};                  ///< Where target_edge is 0, it is the edge of the pictures that the model sees.
  std::size_t batch = 32;  ///< Pictures encoded together.

  /// Files and folders that are left alone, by patterns in which * stands for any characters and ? for one:
  /// by their name ("*.png", "thumbs"), or, with a slash, by their path in the folder ("2019/raw*"). What the
  /// index knows of them is kept.
  std::vector<std::string> exclude = {};
  std::function<void(const IndexProgress&)> progress = {};  ///< May be empty. Called from one thread.
  std::function<bool()> cancelled = {};  ///< May be empty. True ends the update early; what is done is kept.
};

/// A picture that could not be read, and why.
struct UnreadablePicture {
  std::filesystem::path path;
  std::string reason;
};

struct UpdateSummary {
  std::size_t found = 0;    ///< Picture files seen in the folders.
  std::size_t added = 0;    ///< New or changed: embedded now, or taken from a picture of the same content.
  std::size_t renamed = 0;  ///< Recognised by content under a new path; not embedded again.
  std::size_t unchanged = 0;
  std::size_t missing = 0;  ///< Indexed earlier below these folders, file gone, kept (no prune).
  std::size_t pruned = 0;
  bool cancelled = false;
  double seconds = 0;
  std::vector<UnreadablePicture>
      unreadable;  ///< All that are unreadable now, also those known from earlier updates.
};

/// Pictures of an index and their embeddings, in the same order.
struct IndexedPictures {
  std::vector<std::filesystem::path> paths;  ///< [N]
  Matrix embeddings;                         ///< [N,D], unit length
};

class Indexer;

/// A library of pictures in one SQLite file (WAL), for one model.
///
/// A process may search while another one updates. A process killed at any moment loses at most the
/// pictures of the few batches it was working on. Safe for concurrent use by several threads, whose searches
/// run side by side.
class Index {
 public:
  /// Opens or creates the index for `model`. Throws Error: invalid_argument (made by another model,
  /// and not `reindex`), corrupt, unsupported (made by a newer version), or io.
  static Index open(const std::filesystem::path& file, const Model& model, bool reindex = false);

  /// The index file that belongs to a folder by default: `.beeld.db` in it, or, where the folder is
  /// read-only, a file named after it in the user's cache folder.
  static std::filesystem::path default_file(const std::filesystem::path& folder);

  /// Brings the index up to date with the picture files below `folders`. All pictures of an index are decoded
  /// with the orientation and exactness of its first update: others are refused (invalid_argument), unless
  /// `reindex`.
  UpdateSummary update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options = {});

  /// The `count` pictures below `folders` (all of them where empty) nearest to a query of D values, best
  /// first; exact float32 cosines. Pictures below min_score are left out.
  std::vector<Match> search(std::span<const float> query, std::size_t count, float min_score = -2,
                            const std::vector<std::filesystem::path>& folders = {}) const;

  /// All readable pictures below `folders` (all where empty), ordered by path.
  IndexedPictures read_all(const std::vector<std::filesystem::path>& folders = {}) const;

  std::size_t size() const;  ///< Number of readable pictures.

  Index(Index&&) noexcept;
  Index& operator=(Index&&) noexcept;
  ~Index();

 private:
  explicit Index(std::unique_ptr<Indexer> indexer);
  std::unique_ptr<Indexer> indexer_;
};

/// A unit query vector `[D]` from an expression: a text, the path of a picture, or a weighted sum of both,
/// `"beach" + sunset.jpg - 0.5*"people"`. Operands in quotes are texts; unquoted operands of a sum are paths.
/// Anything that is neither a sum nor an existing file is one text.
///
/// With templates, each with `{}` where the text goes, a text counts as the mean of its prompts' unit
/// embeddings. Throws Error(invalid_argument) for an expression that breaks the rules (with the position),
/// operands that cancel each other, and a template without `{}`; and as load_image and Model::encode_texts.
std::vector<float> query_embedding(const Model& model, const std::string& expression,
                                   const std::vector<std::string>& templates = {});

}  // namespace beeld
