// What `./dev demo` shows: the model that comes with beeld, on the gallery that comes with beeld.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/cli/command.h"
#include "tests/support/source_tree.h"

namespace beeld::testing {

namespace {

const std::filesystem::path data = beeld::testing::source_folder() / "data";

/// A line of data/demo.tsv: a query, and all pictures of the gallery that are right, in any order.
struct Question {
  std::string query;
  std::set<std::string> right;
};

std::vector<Question> questions() {
  std::vector<Question> list;
  std::ifstream stream(data / "demo.tsv");
  for (std::string line; std::getline(stream, line);) {
    const auto tab = line.find('\t');
    if (tab == std::string::npos) throw std::runtime_error("demo.tsv: no tab in: " + line);
    Question question{line.substr(0, tab), {}};
    std::istringstream names(line.substr(tab + 1));
    for (std::string name; names >> name;) question.right.insert(name + ".jpg");
    list.push_back(question);
  }
  return list;
}

}  // namespace

class DemoTest : public CommandTest {
 protected:
  Finished ask(const std::string& query, std::size_t count) {
    return run_plain({"search", query, (data / "gallery").string(), "--db", (folder_ / "gallery.db").string(),
                      "-k", std::to_string(count), "--json"});
  }
};

TEST_F(DemoTest, EveryQuestionIsAboutTheGallery) {
  const auto list = questions();
  EXPECT_GE(list.size(), 5u);
  for (const auto& question : list) {
    EXPECT_FALSE(question.right.empty()) << question.query;
    for (const auto& name : question.right)
      EXPECT_TRUE(std::filesystem::exists(data / "gallery" / name)) << name;
  }
  EXPECT_TRUE(std::any_of(list.begin(), list.end(), [](const auto& question) {
    return question.query.find("\" - \"") != std::string::npos;
  }));
}

TEST_F(DemoTest, TheRightPicturesAreOnTop) {
  for (const auto& question : questions()) {
    const auto finished = ask(question.query, question.right.size());
    ASSERT_EQ(finished.code, 0) << finished.err;
    const auto names = names_of(finished.lines());
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), question.right) << question.query;
  }
}

TEST_F(DemoTest, AMinusTakesAway) {
  const auto rank = [this](const std::string& query, const std::string& name) {
    const auto names = names_of(ask(query, 100).lines());
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  const std::string white = "three-white-boats-on-the-sea.jpg";
  EXPECT_EQ(rank("boats on the sea", white), 0);
  EXPECT_GT(rank("\"boats on the sea\" - \"white\"", white), 0);
}

}  // namespace beeld::testing
