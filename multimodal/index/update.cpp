#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <utility>

#include "core/base/parallel.h"
#include "core/base/pipeline.h"
#include "multimodal/index/plan.h"
#include "multimodal/index/work.h"

namespace beeld {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One being read, one being encoded, one being written, and one waiting: this bounds the memory.
constexpr std::size_t batches_in_flight = 4;

/// Decoding, encoding and writing of different batches overlap.
void run_batches(UpdateWork& work, const std::vector<PictureFile>& files, std::size_t batch_size) {
  std::array<PictureBatch, batches_in_flight> batches;
  std::size_t next = 0;
  const auto take = [&](std::size_t place) {
    if (next == files.size() || work.stop) return false;
    batches[place] = PictureBatch(std::min(batch_size, files.size() - next));
    for (auto& picture : batches[place]) {
      picture.record.path = files[next].path;
      picture.record.stamp = files[next].stamp;
      ++next;
    }
    return true;
  };
  const auto prepare = [&](std::size_t place) {
    auto& batch = batches[place];
    parallel_for(static_cast<std::int64_t>(batch.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) work.prepare(batch[static_cast<std::size_t>(i)]);
    });
  };
  const auto encode = [&](std::size_t place) { work.encode(batches[place]); };
  const auto write = [&](std::size_t place) {
    work.write(batches[place]);
    batches[place] = {};
  };
  run_pipeline(
      {.places = batches_in_flight, .take = take, .prepare = prepare, .encode = encode, .write = write});
}

/// Copies of one content within one update meet again here, when the first of them has been recorded.
void run_all(UpdateWork& work, std::vector<PictureFile> files, std::size_t batch_size) {
  while (!files.empty() && !work.stop) {
    run_batches(work, files, batch_size);
    files = work.take_postponed();
  }
}

/// One update, run by a thread of its own while the caller's thread watches it.
class Update {
 public:
  Update(const std::filesystem::path& file, const Database& database, PictureTable& table, UpdateWork& work)
      : file_(file), database_(database), table_(table), work_(work) {}

  void run(const std::vector<std::filesystem::path>& folders, const UpdateOptions& options) {
    const Exclusion exclusion(options.exclude, folders);
    const auto found = find_picture_files(
        folders, [this] { return work_.stop.load(); }, exclusion);
    if (found.cancelled) return;
    auto plan = plan_update(table_, found, ranges_below(folders), exclusion);
    total = plan.work.size();
    run_all(work_, std::move(plan.work), std::max<std::size_t>(options.batch, 1));

    auto& summary = work_.summary;
    summary.found = found.files.size();
    summary.unchanged += plan.unchanged;
    for (const auto& list : {plan.unreadable, found.unreadable})
      summary.unreadable.insert(summary.unreadable.end(), list.begin(), list.end());
    std::sort(summary.unreadable.begin(), summary.unreadable.end(),
              [](const auto& a, const auto& b) { return a.path.native() < b.path.native(); });
    std::erase_if(plan.missing, [&](std::int64_t id) { return work_.renamed_ids.contains(id); });
    if (options.prune && !work_.stop)
      prune(plan.missing);
    else
      summary.missing = plan.missing.size();
  }

  /// So that the next search finds them; what fails here is made up for there.
  void write_vectors(const VectorsKey& key) {
    try {
      const Transaction snapshot(database_, Transaction::Kind::read);
      auto current = key;
      current.generation = table_.generation();
      vectors_beside(file_, table_, current);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::io) throw;
    }
  }

  std::atomic<std::size_t> total = 0;

 private:
  void prune(const std::vector<std::int64_t>& ids) {
    Transaction transaction(database_, Transaction::Kind::write);
    table_.generation();
    for (const auto id : ids) table_.erase(id);
    table_.advance_generation();
    transaction.commit();
    work_.summary.pruned = ids.size();
  }

  const std::filesystem::path& file_;
  const Database& database_;
  PictureTable& table_;
  UpdateWork& work_;
};

/// Calls the caller's functions, in the caller's thread, until `update` is done.
void watch(std::future<void>& done, UpdateWork& work, const Update& update, const UpdateOptions& options) {
  const auto begin = Clock::now();
  const auto report = [&] {
    if (options.progress && update.total > 0)
      options.progress({work.done, update.total, seconds_since(begin)});
  };
  try {
    auto next_report = begin;
    while (done.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
      if (options.cancelled && options.cancelled()) work.stop = true;
      if (Clock::now() < next_report) continue;
      report();
      next_report = Clock::now() + std::chrono::milliseconds(100);
    }
    done.get();
    report();
  } catch (...) {
    work.stop = true;
    throw;  // the future's destructor waits for the thread
  }
}

}  // namespace

UpdateSummary Indexer::update(const std::vector<std::filesystem::path>& folders,
                              const UpdateOptions& options) {
  if (folders.empty())
    throw Error(ErrorCode::invalid_argument, "[index] expected at least one folder, got none");
  const auto begin = Clock::now();
  const auto database = Database::open(file_);
  if (!database.writable())
    throw Error(ErrorCode::io, "[index] " + file_.string() + ": read-only, and cannot be updated");
  auto decoding = options.decoding;
  if (decoding.target_edge == 0) decoding.target_edge = encoder_.picture_edge;
  const auto other = options.reindex ? OtherModel::start_again : OtherModel::refuse;
  const auto library = readers_.adopt(database, other, decoding);
  PictureTable table(database, encoder_.model, library);
  UpdateWork work(encoder_, database, table, decoding);
  Update update(file_, database, table, work);
  work.stop = options.cancelled && options.cancelled();

  auto done = std::async(std::launch::async, [&] {
    if (!work.stop) update.run(folders, options);
    if (!work.stop) update.write_vectors({encoder_.model.fingerprint, library, 0, encoder_.model.dimension});
  });
  watch(done, work, update, options);
  auto summary = std::move(work.summary);
  summary.cancelled = work.stop;
  summary.seconds = seconds_since(begin);
  return summary;
}

}  // namespace beeld
