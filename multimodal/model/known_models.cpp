#include "multimodal/model/known_models.h"

#include <beeld/error.h>

#include <algorithm>
#include <sstream>

#include "core/base/files.h"
#include "multimodal/data/own_data.h"

namespace beeld {

namespace {

constexpr const char* file_name = "known_models.tsv";
constexpr std::size_t largest_file = 1u << 20;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == '\t') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

}  // namespace

std::vector<KnownModel> known_models() {
  const auto file = find_own_data(file_name);
  if (!file) {
    throw Error(ErrorCode::not_found,
                std::string("[models] expected the file ") + file_name + " beside the model inside");
  }
  std::vector<KnownModel> models;
  std::istringstream lines(read_file(*file, largest_file));
  for (std::string line; std::getline(lines, line);) {
    auto cells = cells_of(line);
    if (cells.size() != 6) {
      throw Error(ErrorCode::corrupt, "[models] " + file->string() + ": expected six columns, got " +
                                          std::to_string(cells.size()) + " in \"" + line.substr(0, 80) +
                                          "\"");
    }
    models.push_back({std::move(cells[0]), std::move(cells[1]), std::move(cells[2]), std::move(cells[3]),
                      std::move(cells[4]), std::move(cells[5])});
  }
  return models;
}

std::string known_note(const std::string& repository) {
  if (!find_own_data(file_name)) return {};
  const auto models = known_models();
  const auto found = std::ranges::find(models, repository, &KnownModel::repository);
  return found == models.end() ? "" : found->note;
}

}  // namespace beeld
