#pragma once

#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>

#include "tests/support/temporary_folder.h"

namespace beeld::testing {

/// A temporary folder with the given files in it.
class TokenizerFolder : public TemporaryFolder {
 public:
  TokenizerFolder(std::initializer_list<std::pair<std::string, std::string>> files) {
    for (const auto& [name, content] : files) write(name, content);
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path() / name, std::ios::binary) << content;
  }
};

}  // namespace beeld::testing
