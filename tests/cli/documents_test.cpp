// Man pages and completions, held to what --help says.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "tests/cli/command.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// The part of a text from the first `begin` to the next `end`.
std::string part_of(const std::string& text, const std::string& begin, const std::string& end) {
  const auto first = text.find(begin);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find(end, first + begin.size()) - first);
}

}  // namespace

class DocumentsTest : public CommandTest {
 protected:
  DocumentsTest() {
    environment_["COLUMNS"] = "120";
    const auto finished = run_plain({"documents", share_.string()});
    if (finished.code != 0) throw std::runtime_error(finished.err);
  }

  /// The commands that --help shows, each as the words that call it; those within another one, too.
  std::vector<std::vector<std::string>> commands() {
    std::vector<std::vector<std::string>> all = {{}};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto command = all[i];
      std::istringstream help(help_of(command));
      bool listed = false;
      for (std::string line; std::getline(help, line);) {
        if (line == "Examples:") break;
        if (!line.empty() && line.front() != ' ') listed = line != "Options:" && line != "Arguments:";
        if (!listed || line.size() < 3 || !line.starts_with("  ") || line[2] == ' ' || line[2] == '-')
          continue;
        all.push_back(command);
        all.back().push_back(line.substr(2, line.find(' ', 2) - 2));
      }
    }
    return all;
  }

  std::string help_of(std::vector<std::string> command) {
    command.emplace_back("--help");
    return run_plain(command).out;
  }

  /// The names of the options that the help of a command shows.
  std::vector<std::string> options_of(const std::vector<std::string>& command) {
    std::vector<std::string> names;
    std::istringstream options(part_of(help_of(command), "\nOptions:\n", "\n\n"));
    for (std::string line; std::getline(options, line);) {
      if (!line.starts_with("  -")) continue;
      std::istringstream title(line);
      for (std::string word; title >> word && word.front() == '-';)
        names.push_back(word.substr(0, word.find_first_of(",[=.", word.find_first_not_of('-'))));
    }
    return names;
  }

  /// What bash offers for the last of these words.
  std::set<std::string> completed_by_bash(const std::vector<std::string>& words) {
    std::string list;
    for (const auto& word : words) list += " '" + word + "'";
    const auto script = "source " + (share_ / "bash-completion/completions/beeld").string() +
                        "; COMP_WORDS=(" + list + "); COMP_CWORD=" + std::to_string(words.size() - 1) +
                        "; _beeld; printf '%s\\n' \"${COMPREPLY[@]}\"";
    const auto finished = run_program("/bin/bash", {"-c", script});
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.err, "");
    return words_of(finished.out);
  }

  std::filesystem::path share_ = folder_ / "share";
};

TEST_F(DocumentsTest, EveryOptionOfEveryCommandAppearsEverywhere) {
  const auto zsh = content_of(share_ / "zsh/site-functions/_beeld");
  const auto fish = content_of(share_ / "fish/vendor_completions.d/beeld.fish");
  const auto every = commands();
  ASSERT_GE(every.size(), 16u);
  for (const auto& command : every) {
    std::string name = "beeld", function = "_beeld", chosen;
    std::vector<std::string> typed = {"beeld"};
    for (const auto& word : command) {
      name += "-" + word;
      function += "_" + word;
      chosen += (chosen.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + word;
      typed.push_back(word);
    }
    std::replace(function.begin(), function.end(), '-', '_');
    auto page = content_of(share_ / "man/man1" / (name + ".1"));
    ASSERT_NE(page, "") << name;
    page.erase(std::remove(page.begin(), page.end(), '\\'), page.end());
    const auto in_zsh = part_of(zsh, "\n" + function + "() {", "\n}\n");
    typed.emplace_back("-");
    const auto in_bash = completed_by_bash(typed);
    const auto options = options_of(command);
    ASSERT_GE(options.size(), 2u) << name;
    for (const auto& option : options) {
      EXPECT_NE(page.find("fB" + option + "fR"), std::string::npos) << name << " " << option;
      EXPECT_NE(in_zsh.find("'*" + option), std::string::npos) << name << " " << option;
      EXPECT_TRUE(in_bash.contains(option)) << name << " " << option;
      const auto in_fish =
          option.starts_with("--") ? " -l " + option.substr(2) + " " : " -s " + option.substr(1) + " ";
      const auto condition = chosen.empty() ? "" : " -n '" + chosen + "'";
      std::istringstream lines(fish);
      bool found = false;
      for (std::string line; std::getline(lines, line);)
        found = found || (line.starts_with("complete -c beeld" + condition + " -") &&
                          line.find(in_fish) != std::string::npos);
      EXPECT_TRUE(found) << name << " " << option;
    }
    // What every command takes.
    EXPECT_TRUE(in_bash.contains("--model") && in_bash.contains("--json")) << name;
    EXPECT_NE(page.find("fB--threadsfR"), std::string::npos) << name;
  }
}

TEST_F(DocumentsTest, BashCompletesCommandsValuesAndFiles) {
  EXPECT_TRUE(completed_by_bash({"beeld", "se"}).contains("search"));
  EXPECT_FALSE(completed_by_bash({"beeld", ""}).contains("documents"));
  EXPECT_EQ(completed_by_bash({"beeld", "eval", "z"}), std::set<std::string>{"zero-shot"});
  EXPECT_EQ(completed_by_bash({"beeld", "embed", "--weights", "f"}), (std::set<std::string>{"f16", "f32"}));
  EXPECT_EQ(completed_by_bash({"beeld", "search", "--preview", "=", "k"}), std::set<std::string>{"kitty"});
  const auto file = add_file("templates.txt", "x").string();
  EXPECT_TRUE(
      completed_by_bash({"beeld", "search", "--templates", file.substr(0, file.size() - 4)}).contains(file));
  EXPECT_TRUE(completed_by_bash({"beeld", "search", "a dog", folder_.path().string() + "/pic"})
                  .contains(pictures_.string()));
}

TEST_F(DocumentsTest, TheShellsAcceptTheirFiles) {
  const std::pair<std::string, std::string> shells[] = {
      {"/bin/bash", "bash-completion/completions/beeld"},
      {"/bin/zsh", "zsh/site-functions/_beeld"},
      {"/usr/bin/fish", "fish/vendor_completions.d/beeld.fish"}};
  for (const auto& [shell, file] : shells) {
    if (!std::filesystem::exists(shell)) continue;
    const auto checked = run_program(shell, {"-n", (share_ / file).string()});
    EXPECT_EQ(checked.code, 0) << shell << ": " << checked.err;
  }
}

}  // namespace beeld::testing
