#include "multimodal/training/curves.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "multimodal/training/curve_log.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace beeld::testing {

namespace {

std::string step_line(int step, double loss) {
  return "{\"step\":" + std::to_string(step) + ",\"loss\":" + std::to_string(loss) +
         ",\"contrastive\":" + std::to_string(loss * 0.75) + ",\"affinity\":" + std::to_string(loss * 0.25) +
         ",\"learning_rate\":0.0005,\"gradient_norm\":1.5,\"logit_scale\":14.3,\"samples_per_second\":1234.4}"
         "\n";
}

std::string recall_line(int step, const std::string& name, double at1) {
  const auto recall = "{\"r@1\":" + std::to_string(at1) + ",\"r@5\":30.5,\"r@10\":51.25}";
  return "{\"step\":" + std::to_string(step) + ",\"evaluation\":\"" + name + "\",\"t2i\":" + recall +
         ",\"i2t\":" + recall + "}\n";
}

/// A run of 1,000 steps whose loss falls from 8 to 4.
std::string made_up_log() {
  std::string log;
  for (int step = 100; step <= 1000; step += 100) {
    log += step_line(step, 8.0 - 0.004 * step);
    if (step % 500 != 0) continue;
    log += "{\"step\":" + std::to_string(step) +
           ",\"evaluation\":\"animals\",\"top1\":" + std::to_string(step / 50) + ".04,\"top5\":61}\n";
    log += recall_line(step, "photos", step / 40.0);
  }
  return log;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t number = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

/// What stands between two strings, each time.
std::vector<std::string> between(const std::string& text, const std::string& before,
                                 const std::string& after) {
  std::vector<std::string> found;
  for (auto at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    found.push_back(text.substr(at, text.find(after, at) - at));
  }
  return found;
}

/// The points of a path of straight lines.
std::vector<std::pair<double, double>> points_of(const std::string& path) {
  std::vector<std::pair<double, double>> points;
  const char* at = path.c_str();
  while (*at == 'M' || *at == 'L') {
    char* end = nullptr;
    const double x = std::strtod(at + 1, &end);
    const double y = std::strtod(end, &end);
    points.emplace_back(x, y);
    at = end;
  }
  return points;
}

/// Whether every element of well-formed XML is closed in order; attributes may not hold '<' or '>'.
bool is_balanced(const std::string& xml) {
  std::vector<std::string> open;
  for (const auto& tag : between(xml, "<", ">")) {
    if (tag.ends_with("/")) continue;
    const auto name = tag.substr(0, tag.find(' '));
    if (!name.starts_with("/")) {
      open.push_back(name);
    } else if (open.empty() || "/" + open.back() != name) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty();
}

}  // namespace

TEST(Curves, ShowEveryFigureAndItsLastValue) {
  for (const auto& drawing :
       {curves_page("my run", made_up_log()), curves_picture("my run", made_up_log())}) {
    for (const char* text : {">my run<",
                             ">step 1,000<",
                             ">Loss<",
                             ">Learning rate<",
                             ">Gradient norm<",
                             ">Logit scale<",
                             ">Samples per second<",
                             ">animals, zero-shot<",
                             ">photos, retrieval<",
                             ">contrastive<",
                             ">affinity<",
                             ">top-1<",
                             ">top-5<",
                             ">text \xE2\x86\x92 image R@10<",
                             ">image \xE2\x86\x92 text R@1<",  //
                             ">4<",
                             ">3<",
                             ">1<",
                             ">0.0005<",
                             ">1.5<",
                             ">14.3<",
                             ">1,234<",
                             ">20.0 %<",
                             ">61.0 %<",
                             ">25.0 %<",
                             ">51.2 %<"})
      EXPECT_NE(drawing.find(text), std::string::npos) << text;
    EXPECT_EQ(count(drawing, "class=\"title\""), 7u);
    EXPECT_EQ(drawing.find(">sigmoid<"), std::string::npos);
    EXPECT_EQ(drawing.find("<script"), std::string::npos);
    EXPECT_EQ(count(drawing, "http"), 1u) << "the namespace, or http-equiv";
  }
}

TEST(Curves, GoRightWithTheStepsAndDownWithTheLoss) {
  const auto paths = between(curves_page("run", made_up_log()), "class=\"line c0\" d=\"", "\"");
  ASSERT_EQ(paths.size(), 1u);
  const auto points = points_of(paths[0]);
  ASSERT_EQ(points.size(), 10u);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_NEAR(points[i].first - points[i - 1].first, points[1].first - points[0].first, 0.11);
    EXPECT_NEAR(points[i].second - points[i - 1].second, points[1].second - points[0].second, 0.11);
    EXPECT_GT(points[i].first, points[i - 1].first);
    EXPECT_GT(points[i].second, points[i - 1].second) << "SVG counts from the top";
  }
}

TEST(Curves, TicksAscendAtEqualDistances) {
  const std::string chart = between(curves_page("run", made_up_log()), "<svg", "</svg>").front();
  const auto steps = between(chart, "<text class=\"middle\" x=\"", "</text>");
  ASSERT_EQ(steps.size(), 6u);
  const char* expected[] = {"0", "200", "400", "600", "800", "1,000"};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_TRUE(steps[i].ends_with(std::string(">") + expected[i])) << steps[i];
    if (i == 0) continue;
    EXPECT_GT(std::atof(steps[i].c_str()), std::atof(steps[i - 1].c_str()));
  }
  for (const char* tick : {">0<", ">2<", ">4<", ">6<", ">8<"}) EXPECT_NE(chart.find(tick), std::string::npos);
}

TEST(Curves, LinesOfARunThatWentOnReplaceTheOnesItRepeats) {
  auto log = step_line(100, 8) + step_line(200, 7) + step_line(300, 6) + recall_line(300, "photos", 10);
  log += step_line(200, 6.5) + step_line(300, 5.5) + recall_line(300, "photos", 11);
  const auto curves = read_curves(log);
  ASSERT_EQ(curves.charts.size(), 6u);
  const auto& loss = curves.charts[0].series[0].points;
  ASSERT_EQ(loss.size(), 3u);
  EXPECT_EQ(loss[1].value, 6.5);
  EXPECT_EQ(loss[2].value, 5.5);
  const auto& recall = curves.charts[5].series[0].points;
  ASSERT_EQ(recall.size(), 1u);
  EXPECT_EQ(recall[0].value, 11);
}

TEST(Curves, TheOnlyPartOfALossIsNotDrawnTwice) {
  const auto curves = read_curves("{\"step\":1,\"loss\":2,\"sigmoid\":2}\n");
  ASSERT_EQ(curves.charts.size(), 1u);
  EXPECT_EQ(curves.charts[0].series.size(), 1u);
  EXPECT_EQ(curves.charts[0].series[0].name, "sum");
}

TEST(Curves, EscapeEveryName) {
  const std::string title = "<script>alert(1)</script>&\"'\x80\xEF\xBF\xBF";
  const auto log = recall_line(5, "</text></svg><script>\\u0000\\uFFFE&", 5);
  for (const auto& drawing : {curves_page(title, log), curves_picture(title, log)}) {
    EXPECT_EQ(drawing.find("<script"), std::string::npos);
    EXPECT_NE(drawing.find("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;\xEF\xBF\xBD\xEF\xBF\xBD"),
              std::string::npos);
    EXPECT_NE(drawing.find("&lt;/text&gt;&lt;/svg&gt;&lt;script&gt;\xEF\xBF\xBD\xEF\xBF\xBD&amp;"),
              std::string::npos);
    EXPECT_EQ(drawing.find("\xEF\xBF\xBF"), std::string::npos);
    EXPECT_EQ(drawing.find("\xEF\xBF\xBE"), std::string::npos);
  }
  EXPECT_TRUE(is_balanced(curves_picture(title, log)));
}

TEST(Curves, APictureIsOneWholeElement) {
  for (const auto& log : {std::string(), made_up_log(), made_up_log() + recall_line(1000, "more", 0)}) {
    const auto picture = curves_picture("run", log);
    EXPECT_TRUE(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
    EXPECT_TRUE(is_balanced(picture));
  }
  EXPECT_FALSE(is_balanced("<svg><g></svg></g>"));
}

TEST(Curves, HostileLinesAreLeftOut) {
  const std::vector<std::string> hostile = {
      "x",
      "{",
      "[]",
      "null",
      "12",
      "{}",
      std::string("\0\xff\x80{}", 5),
      std::string(100'000, '['),
      "{\"step\":1}",
      "{\"step\":-1,\"loss\":1}",
      "{\"step\":\"1\",\"loss\":1}",
      "{\"step\":1e300,\"loss\":1}",
      "{\"step\":1,\"loss\":1e300}",
      "{\"step\":1,\"loss\":1e999}",
      "{\"step\":1,\"loss\":NaN}",
      "{\"step\":1,\"loss\":\"1\"}",
      "{\"step\":1,\"loss\":[1]}",
      "{\"step\":1,\"evaluation\":3,\"top1\":1}",
      "{\"step\":1,\"evaluation\":\"a\",\"top1\":null}",
      "{\"step\":1,\"evaluation\":\"a\",\"t2i\":7}",
      "{\"step\":1,\"evaluation\":\"a\",\"t2i\":[1,2]}",
      "{\"step\":1,\"evaluation\":\"a\",\"t2i\":{\"r@1\":{}}}",
      "{\"step\":1,\"loss\":1,\"contra",
  };
  std::string log;
  for (const auto& line : hostile) log += line + "\n";
  auto curves = read_curves(log);
  EXPECT_EQ(curves.left_out, hostile.size());
  EXPECT_TRUE(curves.charts.empty());
  EXPECT_NE(curves_page("run", log).find(">23 lines of the log are not of a run"), std::string::npos);
  EXPECT_NE(curves_page("run", log).find(">nothing logged yet<"), std::string::npos);

  curves = read_curves(log + made_up_log());
  EXPECT_EQ(curves.left_out, hostile.size());
  EXPECT_EQ(curves.charts.size(), 7u);
}

TEST(Curves, ExtremeValuesAreStillDrawn) {
  for (const char* values : {"0,1e15,-1e15", "0,0,0", "5e-324,1e-300,0", "-3,-2,-1", "1e-9,2e-9,3e-9"}) {
    std::string log, list = values;
    for (int step : {0, 1, 1'000'000'000}) {
      log += "{\"step\":" + std::to_string(step) + ",\"loss\":" + list.substr(0, list.find(',')) + "}\n";
      list = list.substr(list.find(',') + 1);
    }
    const auto picture = curves_picture("run", log);
    EXPECT_EQ(picture.find("nan"), std::string::npos) << values;
    EXPECT_EQ(picture.find("inf"), std::string::npos) << values;
    EXPECT_LT(picture.size(), 20'000u) << values;
    const auto paths = between(picture, "class=\"line c0\" d=\"", "\"");
    ASSERT_EQ(paths.size(), 1u);
    for (const auto& [x, y] : points_of(paths[0])) {
      EXPECT_GE(x, 0);
      EXPECT_LE(x, chart_width);
      EXPECT_GE(y, 0);
      EXPECT_LE(y, chart_height);
    }
  }
}

TEST(Curves, LongLogsAreThinned) {
  std::string log;
  for (int step = 1; step <= 20'000; ++step)
    log += "{\"step\":" + std::to_string(step) + ",\"loss\":" + std::to_string(20'000 - step + 7) + "}\n";
  const auto page = curves_page("run", log);
  EXPECT_LT(page.size(), 20'000u);
  EXPECT_NE(page.find(">7<"), std::string::npos);
  const auto points = points_of(between(page, "class=\"line c0\" d=\"", "\"").at(0));
  EXPECT_GT(points.size(), 100u);
  for (std::size_t i = 1; i < points.size(); ++i) EXPECT_GE(points[i].second, points[i - 1].second);
}

TEST(Curves, EvaluationsBeyondAllMeasureAreLeftOut) {
  std::string log;
  for (int i = 0; i < 100; ++i) log += recall_line(1, "number " + std::to_string(i), 1);
  const auto curves = read_curves(log);
  EXPECT_EQ(curves.charts.size(), 32u);
  EXPECT_EQ(curves.left_out, 68u);
}

TEST(Curves, AreWrittenAsWhatTheNameSays) {
  const TemporaryFolder folder;
  write_curves(folder / "curves.html", "run", made_up_log());
  EXPECT_EQ(read_file(folder / "curves.html", 1u << 20), curves_page("run", made_up_log()));
  write_curves(folder / "curves.svg", "run", made_up_log());
  EXPECT_EQ(read_file(folder / "curves.svg", 1u << 20), curves_picture("run", made_up_log()));
  testing::expect_error(ErrorCode::io, "curves.svg",
                        [&] { write_curves(folder / "absent" / "curves.svg", "run", ""); });
}

TEST(ChartNumber, HasFourDigitsAndSeparators) {
  EXPECT_EQ(chart_number(0), "0");
  EXPECT_EQ(chart_number(0.00012345), "0.0001234");
  EXPECT_EQ(chart_number(-12.5), "-12.5");
  EXPECT_EQ(chart_number(999.96), "1,000");
  EXPECT_EQ(chart_number(1234567), "1,234,567");
  EXPECT_EQ(chart_number(-1000), "-1,000");
  EXPECT_EQ(chart_number(1e15), "1.000e+15");
}

}  // namespace beeld::testing
