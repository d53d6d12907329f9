#pragma once

#include <map>
#include <string>

#include "tests/support/http_server.h"

namespace beeld::testing {

std::string sha256_of(const std::string& content);

/// What git calls the content of a file.
std::string git_blob_of(const std::string& content);

/// The content in gzip's format, as large as it was.
std::string gzipped(const std::string& content);

/// A model hub with one repository, `owner/name`; answer() is what an HttpServer asks for.
struct LocalHub {
  std::map<std::string, std::string> files;  ///< By their paths in the repository.
  std::string repository = "owner/name";
  std::string revision = "main";             ///< As an address names it: the only one there is.
  std::string commit{std::string(40, 'a')};  ///< Under which its files are.

  /// The hub's answer about the repository. Weights are large files, which have another checksum.
  std::string listing() const;

  /// A listing is sent by gzip to whoever takes that; files are sent from where they are asked for.
  HttpReply answer(const HttpRequestSeen& request) const;
};

}  // namespace beeld::testing
