#include "bench/measure/peer.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string_view>

namespace beeld::bench {

namespace {

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw std::runtime_error("bench: " + name + " " + what);
}

// OpenBLAS is to choose its kernels by itself: a machine's overrides may be meant for other programs.
std::vector<char*> environment_of_peers() {
  std::vector<char*> kept;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (text.starts_with("OPENBLAS_CORETYPE=") || text.starts_with("OPENBLAS_L2_SIZE=")) continue;
    kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

pid_t start(const std::vector<std::string>& command, posix_spawn_file_actions_t* actions) {
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  auto environment = environment_of_peers();
  pid_t process = 0;
  if (::posix_spawnp(&process, arguments[0], actions, nullptr, arguments.data(), environment.data()) != 0) {
    fail(command[0], "cannot be started");
  }
  return process;
}

}  // namespace

Peer::Peer(const std::vector<std::string>& command) : name_(command.at(1)) {
  // A peer that has ended is reported by ask(), not by a signal.
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) fail(name_, "gets no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  process_ = start(command, &actions);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  requests_ = ::fdopen(in[1], "w");
  answers_ = ::fdopen(out[0], "r");
  try {
    if (read_line() != "ready") fail(name_, "did not say that it is ready");
  } catch (...) {
    end();
    throw;
  }
}

Peer::~Peer() { end(); }

void Peer::end() {
  std::fclose(requests_);  // the end of its input ends it
  std::fclose(answers_);
  ::waitpid(process_, nullptr, 0);
}

std::string Peer::ask(const std::string& request) {
  if (std::fprintf(requests_, "%s\n", request.c_str()) < 0 || std::fflush(requests_) != 0) {
    fail(name_, "reads no requests");
  }
  return read_line();
}

std::string Peer::read_line() {
  std::array<char, 256> line{};
  if (std::fgets(line.data(), line.size(), answers_) == nullptr) fail(name_, "has ended");
  std::string text(line.data());
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

void run_program(const std::vector<std::string>& command) {
  int status = 0;
  ::waitpid(start(command, nullptr), &status, 0);
  if (status != 0) fail(command.at(1), "failed");
}

}  // namespace beeld::bench
