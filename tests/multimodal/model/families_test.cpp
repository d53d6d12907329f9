// The table of families, and the documents that say the same.

#include "multimodal/model/families.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "core/base/files.h"
#include "tests/support/source_tree.h"
#include "tests/support/temporary_folder.h"

namespace beeld {
namespace {

constexpr std::size_t document_size = 1u << 20;

std::string document(const char* name) { return read_file(testing::source_folder() / name, document_size); }

/// The cells of a table's line, without the spaces around them.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> result;
  std::istringstream stream(line.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) {
    const auto first = cell.find_first_not_of(' ');
    result.push_back(first == std::string::npos ? ""
                                                : cell.substr(first, cell.find_last_not_of(' ') + 1 - first));
  }
  return result;
}

/// The rows of the README's table of families, below its heading and its tolerances.
std::vector<std::vector<std::string>> readme_rows() {
  std::istringstream readme(document("README.md"));
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("| family |")) inside = true;
    if (inside && !line.starts_with("|")) break;
    if (inside) rows.push_back(cells(line));
  }
  EXPECT_GT(rows.size(), 3u);
  rows.erase(rows.begin(), rows.begin() + std::min<std::ptrdiff_t>(3, std::ssize(rows)));
  return rows;
}

std::string learns(const Family& family) { return family.training == Training::from_scratch ? "yes" : ""; }

/// "SigLIP (and SigLIP 2 at a fixed size)" is a row of SigLIP.
bool is_called(const std::string& cell, const std::string& name) {
  return cell == name || cell.starts_with(name + " (");
}

TEST(Families, TheReadmesTableIsThisTable) {
  const auto rows = readme_rows();
  std::vector<std::string> documented;
  for (const auto& row : rows) {
    ASSERT_GE(row.size(), 4u) << row.front();
    const auto family = std::find_if(families().begin(), families().end(),
                                     [&](const Family& known) { return is_called(row[0], known.name); });
    ASSERT_NE(family, families().end()) << row[0];
    EXPECT_EQ(row[1], "`" + recognition_of(*family) + "`") << row[0];
    EXPECT_EQ(row[2], learns(*family)) << row[0];
    if (documented.empty() || documented.back() != family->name) documented.emplace_back(family->name);
  }
  std::vector<std::string> known;
  for (const auto& family : families()) known.emplace_back(family.name);
  EXPECT_EQ(documented, known);
}

TEST(Families, ContributingQuotesTheMessage) {
  EXPECT_NE(document("CONTRIBUTING.md").find(known_families()), std::string::npos) << known_families();
}

TEST(Families, NamesAndRecognitionAreUnique) {
  std::vector<std::string> seen;
  for (const auto& family : families()) {
    for (const auto& word : {std::string(family.name), recognition_of(family)}) {
      EXPECT_EQ(std::count(seen.begin(), seen.end(), word), 0) << word;
      seen.push_back(word);
    }
    EXPECT_EQ(family.layout == FolderLayout::hugging_face, family.model_type != nullptr) << family.name;
  }
}

TEST(Families, EachIsFoundByWhatItsConfigurationSays) {
  for (const auto& family : families()) {
    auto config = nlohmann::json::object();
    if (family.model_type != nullptr) config["model_type"] = family.model_type;
    EXPECT_STREQ(family_of(family.layout, Settings(config, "config.json")).name, family.name);
  }
}

TEST(Families, AnUnknownOneIsNamedBesideThoseThatAreKnown) {
  for (const auto* config : {R"({"model_type": "blip-9"})", R"({})"}) {
    try {
      family_of(FolderLayout::hugging_face, Settings(nlohmann::json::parse(config), "config.json"));
      ADD_FAILURE() << config;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_NE(message.find(known_families()), std::string::npos) << message;
      for (const auto& family : families()) {
        EXPECT_NE(message.find(recognition_of(family)), std::string::npos) << message;
      }
    }
  }
}

TEST(Families, TheMessageOfTrainingNamesThoseThatLearn) {
  const testing::TemporaryFolder folder;
  for (const auto& family : families()) {
    if (family.model_type == nullptr || family.training != Training::none) continue;
    write_file_atomically(folder / "config.json", nlohmann::json{{"model_type", family.model_type}}.dump());
    try {
      initialize_weights(folder / "config.json", 1);
      ADD_FAILURE() << family.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_NE(std::string(error.what()).find(family.name), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("CLIP and SigLIP"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace beeld
