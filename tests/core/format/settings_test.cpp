#include "core/format/settings.h"

#include <gtest/gtest.h>

namespace beeld {
namespace {

Settings settings(const char* text) { return {nlohmann::json::parse(text), "config.json"}; }

template <typename Action>
void expect_error(ErrorCode code, const std::string& fact, Action action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown, expected: " << fact;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(fact), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("config.json"), std::string::npos) << error.what();
  }
}

TEST(SettingsTest, ReadsValuesAndFallsBackForAbsentAndNull) {
  auto s = settings(R"({"i":3,"d":2.5,"b":true,"s":"x","n":null,"o":{"i":4}})");
  EXPECT_EQ(s.integer("i", 0), 3);
  EXPECT_EQ(s.number("d", 0), 2.5);
  EXPECT_EQ(s.number("i", 0), 3.0);
  EXPECT_TRUE(s.boolean("b", false));
  EXPECT_EQ(s.string("s", ""), "x");
  EXPECT_EQ(s.integer("n", 7), 7);
  EXPECT_EQ(s.integer("absent", 8), 8);
  EXPECT_FALSE(s.has("n"));
  auto object = s.object("o");
  EXPECT_EQ(object.bounded("i", 0, 1, 4), 4);
  object.done();
  s.done();
}

TEST(SettingsTest, NamesAKeyThatNobodyRead) {
  auto s = settings(R"({"hidden_size":8,"hidden_sise":9})");
  s.integer("hidden_size", 0);
  expect_error(ErrorCode::unsupported, "hidden_sise", [&] { s.done(); });
  s.ignore({"hidden_sise"});
  EXPECT_NO_THROW(s.done());
}

TEST(SettingsTest, RefusesOtherTypesAndRanges) {
  auto s = settings(R"({"i":"3","f":2.5,"big":18446744073709551615,"b":1,"s":4,"o":[],"n":-1})");
  expect_error(ErrorCode::corrupt, "i", [&] { s.integer("i", 0); });
  expect_error(ErrorCode::corrupt, "f", [&] { s.integer("f", 0); });
  expect_error(ErrorCode::corrupt, "big", [&] { s.integer("big", 0); });
  expect_error(ErrorCode::corrupt, "b", [&] { s.boolean("b", false); });
  expect_error(ErrorCode::corrupt, "s", [&] { s.string("s", ""); });
  expect_error(ErrorCode::corrupt, "o", [&] { s.object("o"); });
  expect_error(ErrorCode::corrupt, "n", [&] { s.bounded("n", 0, 0, 10); });
  expect_error(ErrorCode::corrupt, "object", [] { Settings(nlohmann::json::array(), "config.json"); });
}

TEST(SettingsTest, RequireAcceptsOnlyTheSupportedValue) {
  auto s = settings(R"({"a":"gelu","b":"relu","n":null})");
  EXPECT_NO_THROW(s.require("a", "gelu"));
  EXPECT_NO_THROW(s.require("n", "gelu"));
  EXPECT_NO_THROW(s.require("absent", "gelu"));
  expect_error(ErrorCode::unsupported, "b", [&] { s.require("b", "gelu"); });
}

TEST(SettingsTest, RequireMayAcceptSeveralValuesOrNone) {
  auto s = settings(R"({"a":1,"b":2.0,"n":null})");
  EXPECT_NO_THROW(s.require_any_of("a", {1, 2}));
  EXPECT_NO_THROW(s.require_any_of("b", {1, 2}));
  EXPECT_NO_THROW(s.require_any_of("n", {}));
  EXPECT_NO_THROW(s.require_any_of("absent", {}));
  expect_error(ErrorCode::unsupported, "3 or 4", [&] { s.require_any_of("a", {3, 4}); });
  expect_error(ErrorCode::unsupported, "only null", [&] { s.require_any_of("a", {}); });
}

}  // namespace
}  // namespace beeld
