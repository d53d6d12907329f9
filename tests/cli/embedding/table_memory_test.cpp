#include <cstdio>
#include <fstream>

#include "core/base/files.h"
#include "tests/cli/command.h"
#include "tests/support/weight_files.h"

namespace beeld::testing {

namespace {

constexpr const char* table_name = "text_model.embeddings.token_embedding.weight";
constexpr std::int64_t vocabulary = 1 << 20, width = 32;
constexpr std::int64_t table_bytes = vocabulary * width * 2;

/// Rewrites the tiny checkpoint in float16 and gives it a vocabulary beside which all else is nothing. The
/// table is a hole in the file, and so of zeros.
void widen_vocabulary(const std::filesystem::path& model) {
  const auto weights = model / "model.safetensors";
  auto tensors = read_tensors(weights);
  tensors.erase(table_name);
  write_tensors(weights, tensors, DType::f16);

  const auto content = read_file(weights, 1 << 24);
  const auto length = SafetensorsFile(weights).header().size();
  auto header = nlohmann::json::parse(content.substr(8, length));
  const auto data = content.substr(8 + length);
  const auto begin = static_cast<std::int64_t>(data.size());
  header[table_name] = {
      {"dtype", "F16"}, {"shape", {vocabulary, width}}, {"data_offsets", {begin, begin + table_bytes}}};
  const auto text = header.dump();
  const std::uint64_t text_length = text.size();
  std::ofstream file(weights, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&text_length), sizeof text_length);
  file << text << data;
  file.close();
  std::filesystem::resize_file(
      weights, std::filesystem::file_size(weights) + static_cast<std::uintmax_t>(table_bytes));

  auto config = read_json(model / "config.json");
  config["text_config"]["vocab_size"] = vocabulary;
  std::ofstream(model / "config.json") << config.dump();
}

}  // namespace

class TableMemoryTest : public CommandTest {};

TEST_F(TableMemoryTest, AModelTakesLittleMoreThanItsFile) {
  const std::vector<std::string> arguments{"embed", "--text", "a cat"};
  const auto small = run(arguments);
  ASSERT_EQ(small.code, 0) << small.err;
  widen_vocabulary(model_);
  const auto large = run(arguments);
  ASSERT_EQ(large.code, 0) << large.err;
  EXPECT_EQ(large.line()["embedding"].size(), 24u);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const auto taken = large.peak_memory - small.peak_memory;
  std::printf("%ld MB for a file of %ld MB\n", taken >> 20, table_bytes >> 20);
  EXPECT_LT(taken, table_bytes * 11 / 10);
#endif
}

}  // namespace beeld::testing
