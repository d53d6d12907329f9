#include "cli/learning/training_table.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace beeld::cli {

namespace {

constexpr std::size_t step_width = 8;
constexpr std::size_t narrowest = 8;
constexpr int rows_under_a_heading = 40;

enum class Role { figure, part_of_the_loss };

struct Column {
  const char* key;
  const char* heading;
  const char* format;
  Role role = Role::figure;
};

// As the log orders them.
constexpr Column known[] = {
    {"loss", "loss", "%.4f"},
    {"contrastive", "contrastive", "%.4f", Role::part_of_the_loss},
    {"sigmoid", "sigmoid", "%.4f", Role::part_of_the_loss},
    {"image_distillation", "image dist", "%.4f", Role::part_of_the_loss},
    {"text_distillation", "text dist", "%.4f", Role::part_of_the_loss},
    {"affinity", "affinity", "%.4f", Role::part_of_the_loss},
    {"learning_rate", "rate", "%.2e"},
    {"gradient_norm", "norm", "%.3f"},
    {"logit_scale", "scale", "%.2f"},
    {"samples_per_second", "samples/s", "%.1f"},
};

std::string right(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
}

std::string left(const std::string& text, std::size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
}

std::size_t width_of(const Column& column) {
  return std::max(std::string(column.heading).size(), narrowest) + 2;
}

double number(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : 0;
}

std::string step_of(const Json& line) {
  return right(grouped(static_cast<std::uint64_t>(number(line, "step"))), step_width);
}

std::string recalls(const Json& recall) {
  std::string text;
  for (const char* key : {"r@1", "r@5", "r@10"})
    text += "  R" + std::string(key + 1) + " " + right(fixed(number(recall, key), 2), 6);
  return text;
}

/// The columns of a line; a single part of the loss is the loss.
std::vector<Column> columns_of(const Json& line) {
  std::vector<Column> columns;
  std::copy_if(std::begin(known), std::end(known), std::back_inserter(columns),
               [&](const Column& column) { return line.contains(column.key); });
  const auto is_part = [](const Column& column) { return column.role == Role::part_of_the_loss; };
  if (std::count_if(columns.begin(), columns.end(), is_part) == 1) std::erase_if(columns, is_part);
  return columns;
}

std::string evaluation(const Json& line) {
  constexpr std::size_t name_width = 16;
  const auto start =
      step_of(line) + "  " + left(printable(line["evaluation"].get<std::string>()), name_width);
  if (line.contains("top1"))
    return start + "top-1 " + right(fixed(number(line, "top1"), 2), 5) + "  top-5 " +
           right(fixed(number(line, "top5"), 2), 5) + "\n";
  return start + "text to image" + recalls(line["t2i"]) + "\n" + std::string(start.size(), ' ') +
         "image to text" + recalls(line["i2t"]) + "\n";
}

}  // namespace

std::string TrainingTable::rows(const Json& line) {
  if (line.contains("evaluation")) {
    columns_.clear();
    return evaluation(line);
  }
  std::vector<std::string> columns;
  std::string heading = right("step", step_width), row = step_of(line);
  for (const auto& column : columns_of(line)) {
    columns.emplace_back(column.key);
    heading += right(column.heading, width_of(column));
    char text[64];
    std::snprintf(text, sizeof text, column.format, number(line, column.key));
    row += right(text, width_of(column));
  }
  if (columns == columns_ && rows_++ < rows_under_a_heading) return row + "\n";
  columns_ = std::move(columns);
  rows_ = 1;
  return heading + "\n" + row + "\n";
}

}  // namespace beeld::cli
