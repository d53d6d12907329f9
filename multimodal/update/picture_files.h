#pragma once

#include <beeld/index.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "multimodal/index/exclusion.h"
#include "multimodal/index/rows.h"

namespace beeld {

struct PictureFile {
  std::string path;  ///< as known_path() gives it
  FileStamp stamp;
};

struct PictureFiles {
  std::vector<PictureFile> files;                  ///< Bytewise ascending by path, each path once.
  std::vector<UnreadablePicture> unreadable;       ///< Folders and files that could not be looked at.
  std::map<std::string, std::size_t> unsupported;  ///< Names end like those of formats that are not read.
  bool cancelled = false;
};

/// Whether a file of this name is taken for a picture: by its extension, in any case; hidden files and
/// AppleDouble companions ("._x.jpg") are not.
bool is_picture_name(const std::string& name);

/// The picture files in and below `folders`; a picture file may stand for a folder. Hidden files and folders
/// are skipped. Symbolic links are followed, but below one folder each directory is visited once, under its
/// own name rather than a link's where it has both, so that links in a circle end. What `exclusion` covers is
/// not looked at.
///
/// Throws Error(not_found) where one of `folders` does not exist.
PictureFiles find_picture_files(const std::vector<std::filesystem::path>& folders,
                                const std::function<bool()>& cancelled = {}, const Exclusion& exclusion = {});

}  // namespace beeld
