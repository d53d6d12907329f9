#include "multimodal/training/position.h"

#include <nlohmann/json.hpp>

#include "core/format/settings.h"

namespace beeld {

namespace {

std::int64_t count(Settings& settings, std::string_view key) {
  const auto value = settings.integer(key, -1);
  if (value < 0) {
    throw Error(ErrorCode::corrupt, "[training data] " + settings.origin() + ": " + std::string(key) +
                                        ": expected a number of at least 0");
  }
  return value;
}

SourcePosition source_from_json(const nlohmann::json& json, const std::string& origin) {
  Settings settings(json, origin);
  SourcePosition position;
  position.epoch = count(settings, "epoch");
  position.group = static_cast<std::size_t>(count(settings, "group"));
  position.sample = static_cast<std::size_t>(count(settings, "sample"));
  position.owed = settings.number("owed", 0);
  settings.done();
  return position;
}

}  // namespace

nlohmann::json position_to_json(const TrainingPosition& position) {
  auto sources = nlohmann::json::array();
  for (const auto& [epoch, group, sample, owed] : position.sources)
    sources.push_back({{"epoch", epoch}, {"group", group}, {"sample", sample}, {"owed", owed}});
  return {{"batch", position.batch}, {"sources", std::move(sources)}};
}

TrainingPosition position_from_json(const nlohmann::json& json, const std::string& origin) {
  Settings settings(json, origin);
  TrainingPosition position;
  position.batch = count(settings, "batch");
  const auto& sources = settings.raw("sources");
  if (!sources.is_array())
    throw Error(ErrorCode::corrupt, "[training data] " + origin + ": sources: expected a list");
  for (std::size_t i = 0; i < sources.size(); ++i)
    position.sources.push_back(source_from_json(sources[i], origin + ": sources[" + std::to_string(i) + "]"));
  settings.done();
  return position;
}

}  // namespace beeld
