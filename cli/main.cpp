#include <beeld/error.h>
#include <beeld/model.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <new>
#include <vector>

#include "cli/command.h"
#include "cli/terminal/lack_of_memory.h"
#include "cli/terminal/options.h"
#include "core/kernels/packed_matrix.h"

namespace beeld::cli {

namespace {

WeightType weight_type(const std::string& name) {
  for (const auto type : {WeightType::f16, WeightType::bf16, WeightType::int8})
    if (name == name_of(type)) return type;
  return WeightType::f32;
}

void add_global_options(Command& app, GlobalOptions& options) {
  app.add_option(
         "--model", options.model,
         "A checkpoint folder, a name in the store, or hf:owner/name[@revision][/subfolder] (default: "
         "$BEELD_MODEL, else the small model that comes with beeld)")
      ->type_name("REF");
  app.add_option("--threads", options.threads, "Threads to use (default: one for each core)")
      ->type_name("N")
      ->check(between(0, 4096));
  app.add_option_function(
         "--weights", [&options](const std::string& name) { options.weights = weight_type(name); },
         "How the model's blocks are held: f32 (default), f16 or bf16 (half the memory), int8 (a "
         "quarter, faster)")
      ->type_name("TYPE")
      ->check(one_of({"f32", "f16", "bf16", "int8"}));
  app.add_flag("--json", options.json,
               "Results as one JSON object a line on stdout, everything else on stderr");
  app.add_flag("--quiet", options.quiet, "No progress and no remarks; failures are still named");
  app.add_version_flag("--version", "beeld " BEELD_VERSION, "Show the version");
}

/// Commands of one subject, as the folders of cli/ and the help show them.
struct CommandGroup {
  const char* name;
  std::vector<void (*)(Command&, Session&)> commands;
};

const CommandGroup command_groups[] = {
    {"Pictures", {add_search, add_classify, add_index, add_cluster, add_dedup}},
    {"Embedding", {add_embed, add_tokenize}},
    {"Learning", {add_train, add_vocabulary, add_probe, add_eval}},
    {"Models", {add_info, add_pull, add_models}},
};

void add_commands(Command& app, Session& session) {
  for (const auto& group : command_groups) {
    app.begin_group(group.name);
    for (const auto add : group.commands) add(app, session);
  }
  app.begin_group("");
  add_documents(app, session);
}

ExitCode run(int argc, char** argv) {
  Command app("Text and images in one embedding space: search, classify, cluster, embed", "beeld");
  app.footer(
      "'beeld COMMAND --help' shows a command's options and examples.\n"
      "Exit codes: 0 done; 1 done, but some inputs failed (each named on stderr); 2 wrong usage, or nothing\n"
      "could be done; 130 ended by Ctrl-C, what was done is kept.");
  Session session;
  add_global_options(app, session.options);
  add_commands(app, session);
  if (argc < 2) {
    std::cerr << app.help();
    return ExitCode::nothing_done;
  }
  try {
    if (!app.parse(argc, argv)) {
      session.output.finish();
      return ExitCode::done;
    }
  } catch (const UsageError& error) {
    std::cerr << "beeld: " << printable(error.what())
              << "\n'beeld --help' and 'beeld COMMAND --help' show how.\n";
    return ExitCode::nothing_done;
  }
  set_threads(session.options.threads);
  const ExitCode code = session.run();
  session.output.finish();
  return code;
}

}  // namespace

}  // namespace beeld::cli

namespace {

/// Takes the places of standard streams that the caller closed, so that no file opened later is written to as
/// stdout.
void occupy_standard_streams() {
  int descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = ::open("/dev/null", O_RDWR);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  // A reader that closes the pipe, as `| head` does, ends the command quietly.
  ::signal(SIGPIPE, SIG_DFL);
  beeld::cli::watch_for_lack_of_memory();
  std::ios::sync_with_stdio(false);
  using beeld::cli::ExitCode;
  ExitCode code = ExitCode::nothing_done;
  try {
    code = beeld::cli::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cout.flush();
    beeld::cli::end_for_lack_of_memory();
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "beeld: " << beeld::cli::printable(error.what()) << '\n';
  }
  std::cout.flush();
  // What libraries do at the end may need memory, and wait for threads that could not be made.
  if (beeld::cli::memory_is_limited()) ::_exit(static_cast<int>(code));
  return static_cast<int>(code);
}
