// What `./dev bench versus` times. Compiled against two builds of beeld, one of them old: only the public
// API, and of that only what the first release had.
#include <beeld/beeld.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace beeld;
using Arguments = std::vector<std::string>;

template <class Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Of as many calls as two seconds have time for, and at least five, after one that is not counted.
template <class Work>
double median_seconds(const Work& work) {
  work();
  std::vector<double> times;
  for (double sum = 0; sum < 2 || times.size() < 5; sum += times.back()) times.push_back(seconds_of(work));
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

/// MODEL BATCH: pictures a second, one thread.
double encode(const Arguments& arguments) {
  set_threads(1);
  const auto model = Model::load(arguments.at(0));
  const std::size_t batch = std::stoul(arguments.at(1));
  Image picture{
      .width = 224, .height = 224, .samples = std::vector<std::uint8_t>(3 * 224 * 224), .palette = {}};
  for (std::size_t i = 0; i < picture.samples.size(); ++i)
    picture.samples[i] = static_cast<std::uint8_t>(128 + 100 * std::sin(static_cast<double>(i) / 50));
  const std::vector<Pixels> pixels(batch, model.preprocess(picture));
  return static_cast<double>(batch) / median_seconds([&] { model.encode_pixels(pixels); });
}

/// MODEL BATCH: texts a second, one thread.
double texts(const Arguments& arguments) {
  set_threads(1);
  const auto model = Model::load(arguments.at(0));
  const std::size_t batch = std::stoul(arguments.at(1));
  std::vector<std::string> captions;
  for (std::size_t i = 0; i < batch; ++i)
    captions.push_back("a photo of " + std::to_string(i) + std::string(i % 20, 'x'));
  return static_cast<double>(batch) / median_seconds([&] { model.encode_texts(captions); });
}

/// MODEL FOLDER FILE: pictures a second, by two threads, into a new index.
double index(const Arguments& arguments) {
  set_threads(2);
  const auto model = Model::load(arguments.at(0));
  auto library = Index::open(arguments.at(2), model);
  std::size_t added = 0;
  const double seconds = seconds_of([&] { added = library.update({arguments.at(1)}).added; });
  return static_cast<double>(added) / seconds;
}

/// MODEL FILE: searches a second of an index, by two threads.
double search(const Arguments& arguments) {
  set_threads(2);
  const auto model = Model::load(arguments.at(0));
  const auto library = Index::open(arguments.at(1), model);
  const auto query = query_embedding(model, "a photo of a dog");
  return 1 / median_seconds([&] { library.search(query, 10); });
}

/// COUNT COMMAND...: how many of COUNT things a second the command does; its memory is the child's.
double run(const Arguments& arguments) {
  std::vector<char*> command;
  for (std::size_t i = 1; i < arguments.size(); ++i)
    command.push_back(const_cast<char*>(arguments[i].c_str()));
  command.push_back(nullptr);
  int status = 1;
  const double seconds = seconds_of([&] {
    const pid_t child = ::fork();
    if (child == 0) {
      ::execv(command[0], command.data());
      ::_exit(127);
    }
    ::waitpid(child, &status, 0);
  });
  if (status != 0) throw Error(ErrorCode::io, "[versus] " + arguments.at(1) + " failed");
  return std::stod(arguments.at(0)) / seconds;
}

double measure(const std::string& what, const Arguments& arguments) {
  if (what == "encode") return encode(arguments);
  if (what == "texts") return texts(arguments);
  if (what == "index") return index(arguments);
  if (what == "search") return search(arguments);
  if (what == "run") return run(arguments);
  throw Error(ErrorCode::invalid_argument, "[versus] unknown: " + what);
}

/// Megabytes.
double most_resident(int whose) {
  rusage usage{};
  ::getrusage(whose, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

/// driver WHAT ARGUMENT...: how many a second, and the most memory in megabytes.
int main(int argc, char** argv) {
  try {
    const double rate = measure(argv[1] ? argv[1] : "", {argv + std::min(argc, 2), argv + argc});
    std::printf("%.4f %.1f\n", rate, std::max(most_resident(RUSAGE_SELF), most_resident(RUSAGE_CHILDREN)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
