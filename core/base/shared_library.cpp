#include "core/base/shared_library.h"

#include <beeld/error.h>
#include <dlfcn.h>

namespace beeld {

namespace {

[[noreturn]] void fail() {
  const char* reason = ::dlerror();
  throw Error(ErrorCode::io, std::string("[library] cannot be loaded: ") + (reason ? reason : "unknown"));
}

}  // namespace

SharedLibrary::SharedLibrary(const std::string& name)
    : name_(name), handle_(::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL)) {
  if (!handle_) fail();
}

SharedLibrary::Symbol SharedLibrary::operator[](const char* symbol) const {
  void* address = ::dlsym(handle_, symbol);
  if (!address) fail();
  return {address};
}

}  // namespace beeld
