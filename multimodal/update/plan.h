#pragma once

#include <cstdint>
#include <vector>

#include "multimodal/index/table.h"
#include "multimodal/update/picture_files.h"

namespace beeld {

/// What an update has to do: the difference between the files and the index.
struct UpdatePlan {
  std::vector<PictureFile> work;              ///< New, changed, or new to the model; ascending by path.
  std::vector<std::int64_t> missing;          ///< Ids of pictures whose files are gone, ascending.
  std::vector<std::int64_t> vanished;         ///< Those of them whose files were there at the last update.
  std::vector<std::int64_t> returned;         ///< Ids of pictures whose files were gone, and are there again.
  std::vector<UnreadablePicture> unreadable;  ///< Known to be unreadable, and not changed since.
  std::vector<UnreadablePicture> damaged;     ///< Known to be damaged, and not changed since.
  std::size_t unchanged = 0;                  ///< Readable ones.
};

/// Compares both in one pass in the order of paths. Pictures below a folder that could not be looked at count
/// as neither missing nor changed, and so do those that are excluded.
UpdatePlan plan_update(PictureTable& table, const PictureFiles& found, const std::vector<PathRange>& ranges,
                       const Exclusion& exclusion = {});

}  // namespace beeld
