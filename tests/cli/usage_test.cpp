// What every command shares: help, global options, exit codes, where output goes.
#include <beeld/model.h>

#include <sstream>
#include <utility>

#include "tests/cli/command.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

class UsageTest : public CommandTest {};

TEST_F(UsageTest, NoArgumentsIsWrongUsage) {
  const auto finished = run_plain({});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(finished.names("search"));
}

TEST_F(UsageTest, HelpAndVersionGoToStdout) {
  for (const char* option : {"--help", "--version"}) {
    const auto finished = run_plain({option});
    EXPECT_EQ(finished.code, 0);
    EXPECT_NE(finished.out, "");
    EXPECT_EQ(finished.err, "");
  }
  EXPECT_NE(run_plain({"--help"}).out.find("Exit codes"), std::string::npos);
}

TEST_F(UsageTest, HelpShowsTheCommandsBySubject) {
  const auto help = run_plain({"--help"}).out;
  std::size_t at = 0;
  for (const char* next : {"\nPictures:\n  search ", "\n  dedup ", "\nEmbedding:\n  embed ", "\n  tokenize ",
                           "\nLearning:\n  train ", "\n  eval ", "\nModels:\n  info ", "\n  models "}) {
    const auto found = help.find(next, at);
    ASSERT_NE(found, std::string::npos) << next << " is not in its place in\n" << help;
    at = found;
  }
  EXPECT_EQ(help.find("Subcommands:"), std::string::npos);
}

TEST_F(UsageTest, EveryCommandHasHelpWithAnExample) {
  for (const char* command : {"search", "classify", "index", "embed", "tokenize", "cluster", "dedup", "info",
                              "pull", "models", "train", "vocabulary", "probe"}) {
    const auto finished = run_plain({command, "--help"});
    EXPECT_EQ(finished.code, 0) << command;
    EXPECT_NE(finished.out.find("Examples:\n  beeld "), std::string::npos) << command;
  }
  for (const char* task : {"zero-shot", "retrieval"}) {
    const auto finished = run_plain({"eval", task, "--help"});
    EXPECT_EQ(finished.code, 0) << task;
    EXPECT_NE(finished.out.find("Examples:\n  beeld eval "), std::string::npos) << task;
  }
}

TEST_F(UsageTest, UnknownOptionsAndCommandsAreNamed) {
  const auto option = run_plain({"models", "--frobnicate"});
  EXPECT_EQ(option.code, 2);
  EXPECT_EQ(option.out, "");
  EXPECT_TRUE(option.names("--frobnicate"));
  const auto command = run_plain({"serach", "a cat"});
  EXPECT_EQ(command.code, 2);
  EXPECT_TRUE(command.names("serach"));
}

TEST_F(UsageTest, AMistypedNameGetsTheRightSuggestion) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"clasify", "a.jpg"}, "did you mean classify?"},
      {{"clasify", "--help"}, "did you mean classify?"},
      {{"serach", "a cat"}, "did you mean search?"},
      {{"help", "idnex"}, "did you mean index?"},
      {{"eval", "zeroshot"}, "did you mean zero-shot?"},
      {{"search", "a cat", "--htlm", "a.html"}, "did you mean --html?"},
      {{"search", "a cat", "--min_score=0.2"}, "did you mean --min-score?"},
      {{"search", "--cuont", "3"}, "did you mean --count?"},
      {{"models", "--jsn"}, "did you mean --json?"},
      {{"models", "--weights", "int9"}, "did you mean int8?"},
  };
  for (const auto& [arguments, suggestion] : cases) {
    const auto finished = run_plain(arguments);
    EXPECT_EQ(finished.code, 2) << suggestion;
    EXPECT_EQ(finished.out, "") << suggestion;
    EXPECT_TRUE(finished.names(suggestion)) << finished.err;
  }
  EXPECT_FALSE(run_plain({"xyzzy"}).names("did you mean"));
  EXPECT_FALSE(run_plain({"models", "--frobnicate"}).names("did you mean"));
}

TEST_F(UsageTest, HelpOfACommandIsItsOwnHelp) {
  EXPECT_EQ(run_plain({"help", "search"}).out, run_plain({"search", "--help"}).out);
  EXPECT_EQ(run_plain({"help", "eval", "retrieval"}).out, run_plain({"eval", "retrieval", "-h"}).out);
  EXPECT_EQ(run_plain({"help"}).out, run_plain({"--help"}).out);
  EXPECT_EQ(run_plain({"help"}).code, 0);
}

TEST_F(UsageTest, HelpFitsTheTerminal) {
  for (const std::size_t width : {44u, 60u, 100u}) {
    environment_["COLUMNS"] = std::to_string(width);
    for (const std::vector<std::string>& command : {std::vector<std::string>{"--help"},
                                                    {"search", "--help"},
                                                    {"embed", "--help"},
                                                    {"train", "--help"}}) {
      std::istringstream help(run_plain(command).out);
      bool examples = false;
      for (std::string line; std::getline(help, line);) {
        examples = examples || line == "Examples:";
        if (examples && line.starts_with("  ")) continue;  // commands to copy stay whole
        const bool one_word = line.find(' ', line.find_first_not_of(' ')) == std::string::npos;
        EXPECT_TRUE(line.size() <= width || one_word) << width << ": " << line;
      }
    }
  }
}

TEST_F(UsageTest, WhatBeginsWithAMinusAndIsNoOptionIsAnArgument) {
  EXPECT_EQ(run({"tokenize", "-\"a dog\"", "-a dog"}).lines().size(), 2u);
  EXPECT_EQ(run({"tokenize", "-\"a dog\""}).line()["text"], "-\"a dog\"");
}

TEST_F(UsageTest, ValuesOutOfRangeAreWrongUsage) {
  EXPECT_EQ(run_plain({"--threads", "-1", "models"}).code, 2);
  EXPECT_EQ(run_plain({"--threads", "many", "models"}).code, 2);
  EXPECT_EQ(run({"search", "x", pictures_.string(), "-k", "0"}).code, 2);
  EXPECT_EQ(run({"dedup", pictures_.string(), "--threshold", "1.5"}).code, 2);
  for (const char* wrong : {"nan", "inf", "x", "", "%", "3%%", "0,3"}) {
    const auto finished = run({"search", "x", pictures_.string(), "--min-score", wrong});
    EXPECT_EQ(finished.code, 2) << wrong;
    EXPECT_TRUE(finished.names("--min-score") && finished.names("30%")) << finished.err;
  }
  EXPECT_TRUE(run({"search", "x", pictures_.string(), "--min-score", "30"}).names("between -1 and 1"));
}

TEST_F(UsageTest, AModelThatDoesNotExistIsNamed) {
  const auto finished = run_plain({"embed", "--text", "a cat", "--model", "no/such-model"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(finished.names("no/such-model"));
}

TEST_F(UsageTest, TheModelMayComeFromTheEnvironment) {
  environment_["BEELD_MODEL"] = model_.string();
  const auto info = run_plain({"info", "--json"}).line();
  EXPECT_EQ(info["path"], model_.string());
  EXPECT_EQ(run_plain({"embed", "--text", "a cat"}).code, 0);
}

TEST_F(UsageTest, TheOptionGoesBeforeTheEnvironment) {
  environment_["BEELD_MODEL"] = "no/such-model";
  EXPECT_EQ(run({"tokenize", "a cat"}).code, 0);
  const auto finished = run_plain({"tokenize", "a cat"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(finished.names("no/such-model"));
}

TEST_F(UsageTest, WithoutAnyOfTheseTheModelIsTheOneThatComesWithBeeld) {
  const auto info = run_plain({"info", "--json"}).line();
  EXPECT_EQ(info["path"], (beeld::testing::source_folder() / "data/model").string());
  EXPECT_EQ(info["has_text"], true);
}

TEST_F(UsageTest, AnInstalledCommandUsesTheModelBesideItWhereverItIsMovedTo) {
  const auto prefix = folder_ / "prefix", model = prefix / "share/beeld/model";
  std::filesystem::create_directories(prefix / "bin");
  std::filesystem::create_directories(model.parent_path());
  std::filesystem::copy(beeld::testing::beeld_command(), prefix / "bin/beeld");
  std::filesystem::copy(model_, model);
  const auto finished = run_program(prefix / "bin/beeld", {"info", "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.line()["path"], model.string());
}

TEST_F(UsageTest, GlobalOptionsMayStandBeforeAndAfterTheCommand) {
  const auto before = run_plain({"--json", "--model", model_.string(), "tokenize", "a cat"});
  const auto after = run_plain({"tokenize", "a cat", "--model", model_.string(), "--json"});
  EXPECT_EQ(before.code, 0);
  EXPECT_EQ(before.out, after.out);
  EXPECT_TRUE(before.line().contains("ids"));
}

TEST_F(UsageTest, ThreadsDoNotChangeResults) {
  const auto picture = add_picture("a.png", 1).string();
  const auto one = run({"embed", "--image", picture, "--text", "a cat", "--threads", "1"}).lines();
  const auto two = run({"embed", "--image", picture, "--text", "a cat", "--threads", "2"}).lines();
  ASSERT_EQ(one.size(), 2u);
  ASSERT_EQ(two.size(), 2u);
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t i = 0; i < 24; ++i)
      EXPECT_NEAR(one[row]["embedding"][i].get<double>(), two[row]["embedding"][i].get<double>(), 1e-6);
}

TEST_F(UsageTest, WordsThatAreCommandsOrListsElsewhereAreTexts) {
  const auto finished = run({"tokenize", "search", "[a,b]", "{}", "", "--", "-x"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  std::vector<std::string> texts;
  for (const auto& line : finished.lines()) texts.push_back(line["text"]);
  EXPECT_EQ(texts, (std::vector<std::string>{"search", "[a,b]", "{}", "", "-x"}));
}

TEST_F(UsageTest, ModelsListsTheStore) {
  EXPECT_EQ(run({"models"}).out, "");
  std::filesystem::create_directories(folder_ / "store/owner");
  std::filesystem::copy(model_, folder_ / "store/owner/tiny");
  const auto listed = run({"models"});
  EXPECT_EQ(listed.code, 0);
  EXPECT_EQ(listed.line()["name"], "owner/tiny");
  EXPECT_EQ(run_plain({"tokenize", "a", "--model", "owner/tiny"}).code, 0);
}

TEST_F(UsageTest, PullSaysPlainlyThatTheServerIsOutOfReach) {
  environment_["HF_ENDPOINT"] = "http://127.0.0.1:9";
  const auto finished = run({"pull", "hf:owner/name"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(finished.names("127.0.0.1:9")) << finished.err;
}

TEST_F(UsageTest, InfoDescribesTheModel) {
  const auto info = run({"info", model_.string()}).line();
  const auto model = Model::load(model_);
  EXPECT_EQ(info["family"], "CLIP");
  EXPECT_EQ(info["dimension"], 24);
  EXPECT_EQ(info["image_size"], 32);
  EXPECT_EQ(info["context_length"], 24);
  EXPECT_EQ(info["scoring"], "softmax");
  EXPECT_EQ(info["parameters"], model.info().parameters);
  EXPECT_EQ(info["fingerprint"], model.info().fingerprint);
  EXPECT_NEAR(info["logit_scale"].get<double>(), 14.285, 1e-2);
}

}  // namespace beeld::testing
