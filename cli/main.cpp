#include <beeld/error.h>
#include <beeld/model.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <iostream>

#include "cli/command.h"
#include "cli/terminal/options.h"
#include "core/kernels/packed_matrix.h"
#include "vision/decode/decode.h"

namespace beeld::cli {

namespace {

WeightType weight_type(const std::string& name) {
  for (const auto type : {WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::int8})
    if (name == name_of(type)) return type;
  throw UsageError("--weights: expected f32, f16, bf16 or int8, got '" + name + "'");
}

void add_global_options(Command& app, GlobalOptions& options) {
  app.add_option(
         "--model", options.model,
         "A checkpoint folder, a name in the store, or hf:owner/name (default: $BEELD_MODEL, else the "
         "small model that comes with beeld)")
      ->type_name("REF");
  app.add_option("--threads", options.threads, "Threads to use (default: one for each core)")
      ->type_name("N")
      ->check(between(0, 4096));
  app.add_option_function(
         "--weights", [&options](const std::string& name) { options.weights = weight_type(name); },
         "How the model's blocks are held: f32 (default), f16 or bf16 (half the memory), int8 (a "
         "quarter, faster)")
      ->type_name("TYPE");
  app.add_flag("--json", options.json,
               "Results as one JSON object a line on stdout, everything else on stderr");
  app.add_flag("--quiet", options.quiet, "No progress and no remarks; failures are still named");
  app.add_version_flag("--version", "beeld " BEELD_VERSION, "Show the version");
}

void add_commands(Command& app, Session& session) {
  add_search(app, session);
  add_classify(app, session);
  add_index(app, session);
  add_embed(app, session);
  add_tokenize(app, session);
  add_cluster(app, session);
  add_dedup(app, session);
  add_eval(app, session);
  add_probe(app, session);
  add_info(app, session);
  add_pull(app, session);
  add_models(app, session);
  add_train(app, session);
  add_vocabulary(app, session);
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
  beeld::silence_opencv();
  std::ios::sync_with_stdio(false);
  using beeld::cli::ExitCode;
  ExitCode code = ExitCode::nothing_done;
  try {
    code = beeld::cli::run(argc, argv);
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "beeld: " << beeld::cli::printable(error.what()) << '\n';
  }
  return static_cast<int>(code);
}
