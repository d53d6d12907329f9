#include <beeld/error.h>
#include <beeld/model.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <vector>

#include "cli/command.h"
#include "cli/terminal/options.h"
#include "core/kernels/packed_matrix.h"
#include "vision/decode/decode.h"

namespace beeld::cli {

namespace {

/// Turns the name of a type into the type.
CLI::Validator weight_types() {
  const auto parse = [](std::string& text) -> std::string {
    for (const auto type : {WeightType::f32, WeightType::f16, WeightType::bf16, WeightType::int8}) {
      if (text != name_of(type)) continue;
      text = std::to_string(static_cast<int>(type));
      return "";
    }
    return "expected f32, f16, bf16 or int8, got '" + text + "'";
  };
  return CLI::Validator(parse, "");
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option(
         "--model", options.model,
         "A checkpoint folder, a name in the store, or hf:owner/name (default: $BEELD_MODEL, else the "
         "small model that comes with beeld)")
      ->type_name("REF");
  app.add_option("--threads", options.threads, "Threads to use (default: one for each core)")
      ->type_name("N")
      ->check(between(0, 4096));
  app.add_option("--weights", options.weights,
                 "How the model's blocks are held: f32 (default), f16 or bf16 (half the memory), int8 (a "
                 "quarter, faster)")
      ->type_name("TYPE")
      ->transform(weight_types());
  app.add_flag("--json", options.json,
               "Results as one JSON object a line on stdout, everything else on stderr");
  app.add_flag("--quiet", options.quiet, "No progress and no remarks; failures are still named");
  app.set_version_flag("--version", "beeld " BEELD_VERSION, "Show the version");
}

/// Commands of one subject, as the folders of cli/ and the help show them.
struct CommandGroup {
  const char* name;
  std::vector<void (*)(CLI::App&, Session&)> commands;
};

const CommandGroup command_groups[] = {
    {"Pictures", {add_search, add_classify, add_index, add_cluster, add_dedup}},
    {"Embedding", {add_embed, add_tokenize}},
    {"Learning", {add_train, add_vocabulary, add_probe, add_eval}},
    {"Models", {add_info, add_pull, add_models}},
};

void add_commands(CLI::App& app, Session& session) {
  // Inherited by the commands: global options are accepted after a command's name, too.
  app.fallthrough();
  app.require_subcommand(1);
  for (const auto& group : command_groups) {
    for (const auto add : group.commands) {
      add(app, session);
      app.get_subcommands([](const CLI::App*) { return true; }).back()->group(group.name);
    }
  }
}

ExitCode run(int argc, char** argv) {
  CLI::App app("Text and images in one embedding space: search, classify, cluster, embed", "beeld");
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
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help and --version
    app.exit(wanted);
    session.output.finish();
    return ExitCode::done;
  } catch (const CLI::ParseError& error) {
    const bool unknown_command = app.get_subcommands().empty() && !app.remaining().empty();
    const std::string what = unknown_command ? "no such command: " + app.remaining().front() : error.what();
    std::cerr << "beeld: " << printable(what) << "\n'beeld --help' and 'beeld COMMAND --help' show how.\n";
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
