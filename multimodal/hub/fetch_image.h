#pragma once

#include <string>

namespace beeld {

/// The bytes of a picture on the web, at an http or https address; of as many as a picture's file may have.
/// Throws Error: not_found, io (out of reach, refused, broken off), limit, or unsupported (a web page).
std::string fetch_image(const std::string& address);

}  // namespace beeld
