#include "bench/measure/command.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "bench/measure/turns.h"

namespace beeld::bench {

namespace {

/// Megabytes, so far. (What wait4 gives a process that was spawned begins with the memory of its parent.)
double most_resident(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

}  // namespace

Usage run_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), BEELD_COMMAND);
  arguments.emplace_back("--quiet");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
  pid_t process = 0;
  int status = 1;
  double megabytes = 0;
  const double seconds = seconds_of([&] {
    if (::posix_spawn(&process, BEELD_COMMAND, &actions, nullptr, pointers.data(), ::environ) != 0) return;
    while (::waitpid(process, &status, WNOHANG) == 0) {
      megabytes = std::max(megabytes, most_resident(process));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) throw std::runtime_error("bench: beeld " + arguments[1] + " failed");
  return {seconds, megabytes};
}

}  // namespace beeld::bench
