#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/source_tree.h"
#include "tests/support/tar.h"

namespace beeld::testing {

// What `beeld train` leaves behind when it is interrupted, killed or fed with bad data.
class TrainProcess : public CommandTest {
 protected:
  TrainProcess() {
    std::string content;
    for (std::uint32_t i = 0; i < 10; ++i) {
      const auto key = std::to_string(i);
      content += tar_entry(key + ".png", png_bytes(wave_picture(40, 32, i))) +
                 tar_entry(key + ".txt", i % 2 == 0 ? "a cat\na photo of a cat\n" : "a red dog\n");
    }
    shard_ = add_file("train.tar", content + tar_end());
  }

  /// Sixty steps, often saved and exported; halves and averages, so that exported weights are not the last.
  nlohmann::json settings() const {
    return {{"sources",
             {{{"name", "waves"},
               {"shards", {shard_.string()}},
               {"augmentation", {{"min_area", 0.5}, {"flip", 0.5}}}}}},
            {"batch", 4},
            {"edge", 32},
            {"steps", 60},
            {"patch_drop", {{20, 0.5}}},
            {"optimizer", {{"learning_rate", 1e-3}, {"ema", 0.9}}},
            {"checkpoint_every", 7},
            {"evaluate_every", 4},
            {"log_every", 1},
            {"weights", "f16"}};
  }

  Finished train(const std::string& out, const std::function<void(int)>& meanwhile = {}) {
    const auto file = add_file("run.json", settings().dump()).string();
    return run_program(beeld::testing::beeld_command().string(),
                       {"--threads", "1", "--json", "train", file, "--out", (folder_ / out).string(),
                        "--init", model_.string(), "--freeze", "text"},
                       meanwhile);
  }

  static std::string content_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string weights_of(const std::string& out) const {
    return content_of(folder_ / out / "model.safetensors");
  }

  /// The lines of the log so far.
  std::int64_t logged(const std::string& out) const {
    const auto log = content_of(folder_ / out / "run" / "log.jsonl");
    return std::count(log.begin(), log.end(), '\n');
  }

  /// Waits until the log has that many lines or the process has ended.
  void wait_for(std::int64_t lines, const std::string& out, int process) const {
    const auto ended = [&] {
      siginfo_t info = {};
      ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT);
      return info.si_pid == process;
    };
    while (logged(out) < lines && !ended()) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }

  std::filesystem::path shard_;
};

TEST_F(TrainProcess, KilledAtRandomItEndsTheSame) {
  const auto undisturbed = train("whole");
  ASSERT_EQ(undisturbed.code, 0) << undisturbed.err;
  EXPECT_EQ(undisturbed.lines().size(), 60u);

  std::mt19937 random(std::random_device{}());
  int killed = 0;
  for (int i = 0; i < 12; ++i) {
    const auto finished = train("killed", [&](int process) {
      // While it begins, or some steps later, at any moment of a step.
      if (i % 3 > 0) wait_for(logged("killed") + 1 + random() % 12, "killed", process);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % (i % 3 > 0 ? 5'000 : 50'000)));
      ::kill(process, SIGKILL);
    });
    ASSERT_TRUE(finished.code == 0 || finished.code == 128 + SIGKILL) << finished.code << finished.err;
    killed += finished.code == 128 + SIGKILL;
  }
  EXPECT_GT(killed, 2);
  const auto last = train("killed");
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_TRUE(weights_of("killed") == weights_of("whole"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "killed"))
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
}

TEST_F(TrainProcess, CtrlCSavesAndTheSameCommandGoesOn) {
  const auto stopped = train("stopped", [&](int process) {
    wait_for(3, "stopped", process);
    ::kill(process, SIGINT);
  });
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_TRUE(stopped.names("goes on from here")) << stopped.err;
  const auto steps = stopped.lines().size();
  EXPECT_GE(steps, 3u);
  EXPECT_LT(steps, 60u);
  const auto rest = train("stopped");
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(rest.lines().size(), 60 - steps) << "no step was done twice";
  EXPECT_EQ(rest.lines().front()["step"], steps + 1);
  ASSERT_EQ(train("whole").code, 0);
  EXPECT_TRUE(weights_of("stopped") == weights_of("whole"));
}

TEST_F(TrainProcess, ABadSampleIsNamedAndTheRunGoesOn) {
  auto content = content_of(shard_);
  content.resize(content.size() - tar_end().size());
  add_file("train.tar",
           content + tar_entry("torn.png", "no picture") + tar_entry("torn.txt", "a cat") + tar_end());
  const auto finished = train("out");
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("torn")) << finished.err;
  EXPECT_EQ(finished.lines().size(), 60u);
  EXPECT_EQ(run_plain({"embed", "--text", "a cat", "--model", (folder_ / "out").string()}).code, 0);
}

TEST_F(TrainProcess, WrongUseIsAnError) {
  const auto out = (folder_ / "out").string();
  EXPECT_EQ(run_plain({"train"}).code, 2);
  EXPECT_EQ(run_plain({"train", "run.json"}).code, 2);
  EXPECT_TRUE(run_plain({"train", "run.json"}).names("--out"));
  const auto absent = run_plain({"train", (folder_ / "absent.json").string(), "--out", out});
  EXPECT_EQ(absent.code, 2);
  EXPECT_TRUE(absent.names("absent.json"));
  const auto file = add_file("run.json", settings().dump()).string();
  const auto init = run_plain({"train", file, "--out", out, "--init", (folder_ / "nothing").string()});
  EXPECT_EQ(init.code, 2);
  EXPECT_TRUE(init.names("nothing")) << init.err;
  EXPECT_TRUE(run_plain({"train", file, "--out", out}).names("describes no model"));
  const auto teacher = run_plain(
      {"train", file, "--out", out, "--init", model_.string(), "--teacher", (folder_ / "nobody").string()});
  EXPECT_EQ(teacher.code, 2);
  EXPECT_TRUE(teacher.names("nobody")) << teacher.err;
}

TEST_F(TrainProcess, HelpNamesTheOptions) {
  const auto help = run_plain({"train", "--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* option : {"--out", "--init", "--teacher", "--freeze", "RUN.json", "Ctrl-C"})
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
}

}  // namespace beeld::testing
