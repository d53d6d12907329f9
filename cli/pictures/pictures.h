#pragma once

#include <beeld/model.h>

#include <functional>
#include <string>
#include <vector>

#include "cli/terminal/session.h"

namespace beeld::cli {

/// Preprocessed pictures that are encoded together.
struct PictureBatch {
  std::vector<std::size_t> inputs;  ///< Index of each picture in the list of files.
  std::vector<Pixels> pixels;       ///< In the same order.
};

/// The picture files that arguments name: a file is itself, a folder stands for the pictures in and below it.
/// What cannot be looked at below a folder is reported as failed.
std::vector<std::filesystem::path> picture_files(Session& session, const std::vector<std::string>& arguments);

/// Decodes and preprocesses files in batches, side by side, and hands over the batches in order. A file that
/// cannot be read is reported as failed and left out.
void for_each_batch(Session& session, const std::vector<std::filesystem::path>& files,
                    const DecodeOptions& decoding, const std::function<void(const PictureBatch&)>& use);

}  // namespace beeld::cli
