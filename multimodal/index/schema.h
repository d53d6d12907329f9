#pragma once

#include <beeld/image.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "multimodal/index/database.h"

namespace beeld {

/// A model whose embeddings an index holds.
struct ModelIdentity {
  std::string name;         ///< For messages.
  std::string fingerprint;  ///< What is compared.
  std::size_t dimension = 0;
};

/// What to do with the embeddings that an index holds of a model.
enum class Adoption {
  keep,
  start_again,  ///< Forget them. Those of other models stay.
};

/// Creates the tables of a new file, brings those of a former version up to date (embeddings are kept), or
/// checks that the file is an index; adds the model where it is not among its models; and returns the id of
/// the model's embeddings, its library: 16 random bytes that are new whenever they are started again.
///
/// With `decoding`, which whoever adds pictures must give, all pictures of this model are or will be decoded
/// that way: the first such call for a library settles its orientation and exactness.
///
/// Throws Error: corrupt (no index of beeld), unsupported (made by a newer version, or by an older one in a
/// place where it cannot be brought up to date), invalid_argument (other decoding, or a read-only file
/// without this model; the message names both and says what to do), io.
std::string adopt_index(const Database& database, const ModelIdentity& model,
                        Adoption adoption = Adoption::keep, const DecodeOptions* decoding = nullptr);

/// A row of the table of models.
struct ModelRow {
  std::int64_t id = 0;
  ModelIdentity identity;
};

/// What is stored beside it.
std::int64_t model_checksum(const ModelRow& row);

/// The table of models.
std::vector<ModelRow> read_models(const Database& database);

/// The same of any file. In the order in which they were added. Throws Error as adopt_index for a file that
/// is no index.
std::vector<ModelRow> models_of(const Database& database);

/// Forgets a model's embeddings.
void drop_model(const Database& database, const ModelRow& model);

/// Makes an index of an empty file, without any model.
void create_index(const Database& database);

/// The tables alone.
void create_tables(const Database& database);

/// Checks that the file says that it is an index. Throws Error(corrupt).
void check_application(const Database& database);

/// Checks that the file is an index of a known version. Throws Error: corrupt or unsupported.
void check_format(const Database& database);

/// The key of an embedding: the model's id above the picture's, so that those of one model lie together.
constexpr int picture_bits = 40;
constexpr std::int64_t first_key(std::int64_t model) { return model << picture_bits; }

}  // namespace beeld
