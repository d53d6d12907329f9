#include "bench/charts.h"

#include <string>
#include <thread>

#include "bench/measure/median.h"
#include "core/base/files.h"
#include "multimodal/training/chart.h"
#include "tests/support/pictures.h"

namespace beeld::bench {

namespace {

/// A chart as a picture of its own.
void write_svg(const std::filesystem::path& file, const Chart& chart, double last) {
  const auto width = std::to_string(chart_width), height = std::to_string(chart_height);
  write_file_atomically(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + width + " " +
                                  height + "\" width=\"" + width + "\" height=\"" + height + "\">\n<title>" +
                                  chart_text(chart.title) + "</title>\n<style>" + std::string(chart_style()) +
                                  "</style>\n" + chart_svg(chart, last) + "</svg>\n");
}

Chart encoding_chart(const Model& model, int most_threads) {
  Chart chart{"pictures a second (ViT-B/32, float32)", ChartUnit::none, {}, "threads"};
  const std::vector<Pixels> pixels(32, model.preprocess(testing::wave_picture(224, 224, 1)));
  int color = 1;
  for (const std::size_t batch : {1, 8, 32}) {
    ChartSeries series{"batch " + std::to_string(batch), color++, ChartStroke::solid, {}};
    for (int threads = 1; threads <= most_threads; ++threads) {
      set_threads(threads);
      const double seconds =
          median_seconds(batch == 1 ? 31 : 9, [&] { model.encode_pixels(std::span(pixels).first(batch)); });
      series.points.push_back({static_cast<double>(threads), static_cast<double>(batch) / seconds});
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

Chart search_chart(const std::vector<SearchTime>& searches) {
  Chart chart{"milliseconds a search (embeddings of 512 values)", ChartUnit::none, {}, "embeddings"};
  for (const int threads : {1, 2}) {
    ChartSeries series{
        std::to_string(threads) + (threads == 1 ? " thread" : " threads"), threads, ChartStroke::solid, {}};
    ChartSeries floor{"reading, " + series.name, threads, ChartStroke::dashed, {}};
    for (const auto& search : searches) {
      if (search.threads != threads) continue;
      series.points.push_back({static_cast<double>(search.rows), 1e3 * search.scan});
      floor.points.push_back({static_cast<double>(search.rows), 1e3 * search.floor});
    }
    chart.series.push_back(std::move(series));
    chart.series.push_back(std::move(floor));
  }
  return chart;
}

}  // namespace

void write_charts(const std::filesystem::path& folder, const Model& model,
                  const std::vector<SearchTime>& searches) {
  const int cores = std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
  write_svg(folder / "speed-encoding.svg", encoding_chart(model, cores), cores);
  write_svg(folder / "speed-search.svg", search_chart(searches), 1e6);
}

}  // namespace beeld::bench
