#include <beeld/error.h>

#include "cli/command.h"
#include "cli/help/completion.h"
#include "cli/help/manual.h"
#include "core/base/files.h"

namespace beeld::cli {

namespace {

namespace fs = std::filesystem;

void write_pages(const fs::path& folder, const CommandText& program, const CommandText& command) {
  write_file_atomically(folder / (page_name(command) + ".1"),
                        manual_page(program, command, "beeld " BEELD_VERSION));
  for (const auto& inner : command.commands)
    if (!inner.group.empty()) write_pages(folder, program, inner);
}

/// Where shells and man look for them below share/; Debian's zsh in one place below /usr and in another below
/// /usr/local.
void write_documents(const fs::path& share, const CommandText& program) {
  const fs::path files[] = {"man/man1", "bash-completion/completions", "fish/vendor_completions.d",
                            "zsh/site-functions", "zsh/vendor-completions"};
  std::error_code error;
  for (const auto& folder : files) fs::create_directories(share / folder, error);
  if (error) throw Error(ErrorCode::io, "[documents] " + share.string() + ": " + error.message());
  write_pages(share / files[0], program, program);
  write_file_atomically(share / files[1] / "beeld", bash_completion(program));
  write_file_atomically(share / files[2] / "beeld.fish", fish_completion(program));
  for (const auto& zsh : {files[3], files[4]})
    write_file_atomically(share / zsh / "_beeld", zsh_completion(program));
}

}  // namespace

// In no group: the help does not show it. The build calls it.
void add_documents(Command& app, Session& session) {
  auto& command = *app.add_subcommand("documents", "Write man pages and completions for bash, zsh and fish");
  const auto folder = std::make_shared<std::string>();
  command.add_option("DIR", *folder, "A folder like /usr/share")->required();
  command.callback([&app, &session, folder] {
    session.run = [&app, folder] {
      write_documents(*folder, app.describe());
      return ExitCode::done;
    };
  });
}

}  // namespace beeld::cli
