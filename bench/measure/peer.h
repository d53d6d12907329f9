#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace beeld::bench {

/// Another engine in a process of its own, which stays alive and answers requests line by line, so that no
/// start of a program is timed and two engines can take turns. It sleeps while nothing is asked.
class Peer {
 public:
  /// Starts `command`, a program and its arguments, and waits until it says "ready". Throws
  /// std::runtime_error where it ends before.
  explicit Peer(const std::vector<std::string>& command);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Sends one line and returns the one that answers it. Throws std::runtime_error where the peer has ended.
  std::string ask(const std::string& request);

 private:
  std::string read_line();
  void end();

  std::string name_;
  pid_t process_ = 0;
  FILE* requests_ = nullptr;
  FILE* answers_ = nullptr;
};

/// Runs a program to its end. Throws std::runtime_error where it fails.
void run_program(const std::vector<std::string>& command);

}  // namespace beeld::bench
