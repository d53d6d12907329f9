#pragma once

#include <string>

namespace beeld {

/// A library of the system that is loaded when something first needs it, and kept until the process ends: a
/// program that never meets a rare kind of file does not pay for its libraries at every start.
///
/// What it holds is looked up by name, for references to the types that its header declares:
///   decltype(deflate)& compress = SharedLibrary("libz.so.1")["deflate"];
class SharedLibrary {
 public:
  /// What a name stands for, to be assigned to a reference of its type.
  struct Symbol {
    void* address;

    template <class Function>
    operator Function&() const {
      return *reinterpret_cast<Function*>(address);
    }
  };

  /// `name` is the library's own ("libz.so.1"), looked for where the system's linker looks. Throws Error(io),
  /// because what is missing today may be installed tomorrow.
  explicit SharedLibrary(const std::string& name);

  /// Throws Error(io) where the library has no such name.
  Symbol operator[](const char* symbol) const;

 private:
  std::string name_;
  void* handle_;
};

}  // namespace beeld
