#pragma once

#include <beeld/model.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace beeld {

/// One answer of a search.
struct Match {
  std::filesystem::path path;
  float score = 0;                         ///< cosine
  std::optional<std::int64_t> taken = {};  ///< Seconds since 1970 of the local time, as the camera wrote it.
  std::optional<Place> place = {};         ///< Where the camera was.
};

/// Pictures within so many kilometres of a place.
struct Nearby {
  Place place;
  double kilometres = 0;
};

/// Which pictures may be answers. A picture that does not say what is asked for is none.
struct PictureFilter {
  std::vector<std::filesystem::path> folders = {};  ///< Below these; anywhere where empty.
  std::optional<std::int64_t> since = {};           ///< Taken then or later, as Match::taken counts.
  std::optional<std::int64_t> until = {};           ///< Taken before.
  std::optional<Nearby> near = {};
  std::string path_contains = {};  ///< In the path, whatever the case of ASCII letters.
  bool only_damaged = false;       ///< Read only as far as their files go.
};

struct SearchOptions {
  std::size_t count = 10;
  float min_score = -2;
  PictureFilter filter = {};
};

/// Where an update stands; handed to UpdateOptions::progress about ten times a second.
struct IndexProgress {
  std::size_t done = 0;   ///< Pictures read so far; the last few of them are still to be embedded.
  std::size_t total = 0;  ///< Pictures that need work in this update.
  double seconds = 0;     ///< Since the update began.
};

struct UpdateOptions {
  bool prune = false;    ///< Forget pictures whose files are gone.
  bool reindex = false;  ///< Forget this model's embeddings, and read all pictures again.
  DecodeOptions decoding =
      {};                  ///< Where target_edge is 0, it is the edge of the pictures that the model sees.
  std::size_t batch = 32;  ///< Pictures encoded together.

  /// Files and folders that are left alone, by patterns in which * stands for any characters and ? for one:
  /// by their name ("*.png", "thumbs"), or, with a slash, by their path in the folder ("2019/raw*"). What the
  /// index knows of them is kept.
  std::vector<std::string> exclude = {};
  std::function<void(const IndexProgress&)> progress = {};  ///< May be empty. Called from one thread.
  std::function<bool()> cancelled = {};  ///< May be empty. True ends the update early; what is done is kept.

  /// May be empty. Files for which it is true are left as they are known, for a later update: they are being
  /// written.
  std::function<bool(const std::filesystem::path&)> postponed = {};
};

/// A picture that could not be read, or only in part, and why.
struct UnreadablePicture {
  std::filesystem::path path;
  std::string reason;
  bool known = false;  ///< Since an earlier update.
};

struct UpdateSummary {
  std::size_t found = 0;    ///< Picture files seen in the folders.
  std::size_t added = 0;    ///< New or changed: embedded now, or taken from a picture of the same content.
  std::size_t renamed = 0;  ///< Recognised by content under a new path; not embedded again.
  std::size_t unchanged = 0;
  std::size_t missing = 0;   ///< Indexed earlier below these folders, file gone: hidden until it returns.
  std::size_t vanished = 0;  ///< Of those missing and pruned: since the last update.
  std::size_t pruned = 0;    ///< The same, and forgotten.
  bool cancelled = false;
  double seconds = 0;
  std::vector<UnreadablePicture>
      unreadable;  ///< All that are unreadable now, also those known from earlier updates.
  std::vector<UnreadablePicture> damaged;  ///< All that were read only as far as they go.
  std::map<std::string, std::size_t>
      unsupported;  ///< Pictures in formats that are not read: "heic" to how many.
};

/// Pictures of an index and their embeddings, in the same order.
struct IndexedPictures {
  std::vector<std::filesystem::path> paths;  ///< [N]
  Matrix embeddings;                         ///< [N,D], unit length
};

/// A model whose embeddings an index holds.
struct IndexedModel {
  std::string name;
  std::string fingerprint;  ///< ModelInfo::fingerprint
};

/// What check_index() found.
struct IndexCheck {
  std::size_t pictures = 0;    ///< That are whole.
  std::size_t embeddings = 0;  ///< That are whole, of all models.
  bool damaged = false;        ///< Something was not whole, and has been rebuilt or forgotten.
};

class Indexer;

/// A library of pictures in one SQLite file (WAL), with the embeddings of any number of models. An object
/// shows those of one.
///
/// A process may search while another one updates. A process killed at any moment loses at most the
/// pictures of the few batches it was working on. Safe for concurrent use by several threads, whose searches
/// run side by side.
///
/// All that is read is verified by checksums; what is damaged is an Error (corrupt), which check() mends.
class Index {
 public:
  /// Opens or creates the index, and adds `model` to its models. Throws Error: corrupt, unsupported (made by
  /// a newer version), invalid_argument (read-only, and without this model), or io.
  static Index open(const std::filesystem::path& file, const Model& model);

  /// Reads all of an index and of what lies beside it, and compares the checksums. What is damaged is rebuilt
  /// from the rest, or forgotten, so that the next update makes it anew. Throws Error: corrupt (no index, or
  /// nothing of it can be read) or io.
  static IndexCheck check(const std::filesystem::path& file);

  /// The models whose embeddings an index holds, in the order in which they came. Throws Error as open().
  static std::vector<IndexedModel> models(const std::filesystem::path& file);

  /// Forgets the embeddings of the model of this name, or whose fingerprint begins so. Throws Error as
  /// open(), and not_found.
  static void drop_model(const std::filesystem::path& file, const std::string& model);

  /// The index file that belongs to a folder by default: `.beeld.db` in it, else in the nearest folder above
  /// that has one of the same owner; where there is none, it is to be made in the folder, or, where that is
  /// read-only, in the user's cache folder under a name of its own.
  static std::filesystem::path default_file(const std::filesystem::path& folder);

  /// Brings the index up to date with the picture files below `folders`. All pictures of an index are decoded
  /// with the orientation and exactness of its first update: others are refused (invalid_argument), unless
  /// `reindex`.
  UpdateSummary update(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options = {});

  /// The `count` pictures below `folders` (all of them where empty) nearest to a query of D values, best
  /// first; exact float32 cosines. Pictures below min_score are left out.
  std::vector<Match> search(std::span<const float> query, std::size_t count, float min_score = -2,
                            const std::vector<std::filesystem::path>& folders = {}) const;

  /// The same among the pictures that a filter lets pass. No answer is a file that is gone.
  std::vector<Match> search(std::span<const float> query, const SearchOptions& options) const;

  /// All readable pictures below `folders` (all where empty), ordered by path; without those whose files the
  /// last update did not find.
  IndexedPictures read_all(const std::vector<std::filesystem::path>& folders = {}) const;

  std::size_t size() const;  ///< Number of readable pictures.

  bool writable() const;  ///< Whether update() can be called.

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
