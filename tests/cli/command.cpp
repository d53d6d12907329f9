#include "tests/cli/command.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"
#include "tests/support/tiny_model.h"

namespace beeld::testing {

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (auto& string : strings) list.push_back(string.data());
  list.push_back(nullptr);
  return list;
}

void redirect(int descriptor, const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(file, descriptor);
}

}  // namespace

std::vector<nlohmann::json> Finished::lines() const {
  std::vector<nlohmann::json> values;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);) values.push_back(nlohmann::json::parse(line));
  return values;
}

nlohmann::json Finished::line() const {
  const auto values = lines();
  if (values.size() != 1) throw std::runtime_error("expected one line of JSON, got:\n" + out + err);
  return values[0];
}

CommandTest::CommandTest() {
  write_tiny_model(model_);
  std::filesystem::create_directories(pictures_);
  environment_ = {{"PATH", "/usr/bin:/bin"},
                  {"HOME", (folder_ / "home").string()},
                  {"XDG_CACHE_HOME", (folder_ / "cache").string()},
                  {"BEELD_STORE", (folder_ / "store").string()}};
}

Finished CommandTest::run_plain(const std::vector<std::string>& arguments) {
  return run_program(beeld::testing::beeld_command().string(), arguments);
}

Finished CommandTest::run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--model", model_.string(), "--json"});
  return run_program(beeld::testing::beeld_command().string(), std::move(arguments));
}

Finished CommandTest::run_program(const std::string& program, std::vector<std::string> arguments,
                                  const std::function<void(int)>& meanwhile) {
  arguments.insert(arguments.begin(), program);
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment_) variables.push_back(name + "=" + value);
  const auto argument_list = pointers(arguments), variable_list = pointers(variables);
  const auto out = folder_ / "stdout", err = folder_ / "stderr";
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    redirect(STDIN_FILENO, "/dev/null");
    redirect(STDOUT_FILENO, out);
    redirect(STDERR_FILENO, err);
    ::execve(program.c_str(), argument_list.data(), variable_list.data());
    ::_exit(127);
  }
  if (meanwhile) meanwhile(child);
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) continue;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, content_of(out), content_of(err), std::int64_t{usage.ru_maxrss} * 1024};
}

std::filesystem::path CommandTest::add_picture(const std::string& name, std::uint32_t seed) {
  auto path = pictures_ / name;
  write_picture(path, wave_picture(48, 40, seed));
  return path;
}

std::filesystem::path CommandTest::add_file(const std::filesystem::path& name, const std::string& content) {
  auto path = folder_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::vector<std::string> names_of(const std::vector<nlohmann::json>& lines) {
  std::vector<std::string> names;
  for (const auto& line : lines)
    names.push_back(std::filesystem::path(line.at("path").get<std::string>()).filename().string());
  return names;
}

}  // namespace beeld::testing
