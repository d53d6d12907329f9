#include <beeld/beeld.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/charts.h"
#include "bench/decoding.h"
#include "bench/encoding/encoders.h"
#include "bench/encoding/vit_b_32.h"
#include "bench/indexing.h"
#include "bench/loading.h"
#include "bench/search.h"
#include "tests/support/temporary_folder.h"

namespace beeld::bench {

namespace {

/// `sections` are those to run; none: all. `charts` is the folder for charts, empty for none.
void run(const std::vector<std::string>& sections, const std::string& charts) {
  const auto wanted = [&](const std::string& name) {
    return sections.empty() || std::find(sections.begin(), sections.end(), name) != sections.end();
  };
  const testing::TemporaryFolder folder;
  write_vit_b_32(folder.path());
  const Model model = Model::load(folder.path());
  if (wanted("encode")) encoders(folder.path());
  if (wanted("decode")) decoding(model);
  if (wanted("index")) indexing(folder.path());
  if (wanted("load")) loading(folder.path());
  if (!wanted("search") && charts.empty()) return;
  const auto searches = time_searches();
  print(searches);
  concurrent_searches();
  if (!charts.empty()) write_charts(charts, model, searches);
}

}  // namespace

}  // namespace beeld::bench

/// beeld_bench [--charts FOLDER] [encode] [decode] [index] [load] [search]
int main(int argc, char** argv) {
  try {
    std::vector<std::string> sections(argv + 1, argv + argc);
    std::string charts;
    if (sections.size() >= 2 && sections[0] == "--charts") {
      charts = sections[1];
      sections.erase(sections.begin(), sections.begin() + 2);
    }
    beeld::bench::run(sections, charts);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
