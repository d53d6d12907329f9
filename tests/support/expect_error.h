#pragma once

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <source_location>
#include <string>
#include <string_view>

namespace beeld::testing {

inline std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::limit:
      return "limit";
    case ErrorCode::io:
      return "io";
  }
  return "an unknown code";
}

/// Expects `call` to throw an Error with this code and a message that holds `part`: what tells this failure
/// from every other one. Another exception passes through.
template <class Call>
void expect_error(ErrorCode code, std::string_view part, const Call& call,
                  const std::source_location& place = std::source_location::current()) {
  const auto failure = [&](std::string_view what) {
    ADD_FAILURE_AT(place.file_name(), static_cast<int>(place.line()))
        << "expected Error(" << name_of(code) << ") with \"" << part << "\" in its message, got " << what;
  };
  try {
    call();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    if (error.code() != code || message.find(part) == std::string_view::npos)
      failure(std::string(name_of(error.code())) + ": " + error.what());
    return;
  }
  failure("none");
}

}  // namespace beeld::testing
