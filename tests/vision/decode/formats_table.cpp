// Prints a table of what becomes of every file below a folder, in Markdown: each is decoded in a process of
// its own, whose time and memory are measured.
#include <beeld/image.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Outcome {
  std::string text;
  bool read = false;
  double seconds = 0;
  double megabytes = 0;
};

/// What a child writes: "+" or "-" and a text.
std::string decoded(const fs::path& file, const std::string& name) {
  try {
    const auto image = beeld::load_image(file);
    auto text = "+" + std::to_string(image.width) + " x " + std::to_string(image.height);
    if (!image.remark.empty()) text += ", " + image.remark;
    if (!image.damage.empty()) text += ", " + image.damage;
    return text;
  } catch (const std::exception& error) {
    std::string text = error.what();
    const auto at = text.find(file.string() + ": ");
    if (at == std::string::npos) return "-" + text + " (of " + name + ", which the message does not name)";
    return "-" + text.substr(at + file.string().size() + 2);
  }
}

Outcome outcome_of(const fs::path& file, const std::string& name) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
  const auto child = ::fork();
  if (child == 0) {
    const auto text = decoded(file, name);
    const bool written = ::write(pipe[1], text.data(), text.size()) >= 0;
    ::_exit(written ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string text;
  char block[4096];
  for (ssize_t size = 0; (size = ::read(pipe[0], block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(size));
  ::close(pipe[0]);
  rusage usage{};
  int status = 0;
  ::wait4(child, &status, 0, &usage);
  Outcome outcome;
  outcome.read = !text.empty() && text[0] == '+';
  outcome.text = status != 0 ? "CRASHED" : text.substr(std::min<std::size_t>(1, text.size()));
  outcome.seconds = double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                    double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  outcome.megabytes = double(usage.ru_maxrss) / 1024;
  return outcome;
}

/// A text that cannot be taken for Markdown.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' || c == '<' || c == '>' || c == '[' || c == '\n' ? ' ' : c;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: beeld_formats_table FOLDER\n";
    return 2;
  }
  const fs::path root = argv[1];
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Outcome> outcomes;
  for (const auto& file : files) outcomes.push_back(outcome_of(file, file.lexically_relative(root).string()));

  double seconds = 0, megabytes = 0;
  for (const auto& outcome : outcomes) {
    seconds = std::max(seconds, outcome.seconds);
    megabytes = std::max(megabytes, outcome.megabytes);
  }
  const auto read = std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.read; });
  std::cout << "# What becomes of the example files\n\nMade by `./dev photos` from the files of "
               "`$BEELD_SHARED/photos/formats`: of "
            << files.size() << " files " << read << " are read and " << std::int64_t(files.size()) - read
            << " refused.\nNone took more than " << std::fixed << std::setprecision(2) << seconds
            << " s of processor time, or more than " << std::setprecision(0) << megabytes
            << " MB of memory.\n\n| file | | result |\n|---|---|---|\n";
  for (std::size_t i = 0; i < files.size(); ++i)
    std::cout << "| " << files[i].lexically_relative(root).string() << " | "
              << (outcomes[i].read ? "read" : "refused") << " | " << plain(outcomes[i].text) << " |\n";
}
