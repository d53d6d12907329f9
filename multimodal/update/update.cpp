#include <beeld/error.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <utility>

#include "core/base/parallel.h"
#include "core/base/pipeline.h"
#include "multimodal/update/plan.h"
#include "multimodal/update/work.h"

namespace beeld {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One being read, one being encoded, one being written, and one waiting: this bounds the memory.
constexpr std::size_t batches_in_flight = 4;

/// Pictures that an update has to do with; at() is asked for each once.
struct PictureQueue {
  std::size_t size = 0;
  std::function<PictureWork(std::size_t)> at;
};

/// Decoding, encoding and writing of different batches overlap.
void run_batches(UpdateWork& work, const PictureQueue& queue, std::size_t batch_size) {
  std::array<PictureBatch, batches_in_flight> batches;
  std::size_t next = 0;
  const auto take = [&](std::size_t place) {
    if (next == queue.size || work.stop) return false;
    batches[place].clear();
    while (next < queue.size && batches[place].size() < batch_size)
      batches[place].push_back(queue.at(next++));
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
void run_all(UpdateWork& work, const std::vector<PictureFile>& files, std::size_t batch_size) {
  const auto begin = [&](std::size_t i) {
    PictureWork picture;
    picture.record.path = files[i].path;
    picture.record.stamp = files[i].stamp;
    return picture;
  };
  run_batches(work, {files.size(), begin}, batch_size);
  for (auto again = work.take_postponed(); !again.empty() && !work.stop; again = work.take_postponed())
    run_batches(work, {again.size(), [&](std::size_t i) { return std::move(again[i]); }}, batch_size);
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
    if (options.postponed)
      std::erase_if(plan.work, [&](const PictureFile& file) { return options.postponed(file.path); });
    mark_gone(plan);
    work_.expect_renames();
    total = plan.work.size();
    run_all(work_, plan.work, std::max<std::size_t>(options.batch, 1));

    auto& summary = work_.summary;
    summary.found = found.files.size();
    summary.unchanged += plan.unchanged;
    summary.unsupported = found.unsupported;
    add_sorted(summary.unreadable, {plan.unreadable, found.unreadable});
    add_sorted(summary.damaged, {plan.damaged});
    const auto is_renamed = [&](std::int64_t id) { return work_.renamed_ids.contains(id); };
    std::erase_if(plan.vanished, is_renamed);
    summary.vanished = plan.vanished.size();
    std::erase_if(plan.missing, is_renamed);
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
  static void add_sorted(std::vector<UnreadablePicture>& all,
                         const std::vector<std::vector<UnreadablePicture>>& lists) {
    for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.path.native() < b.path.native(); });
  }

  /// No search names a file that is gone, whatever becomes of the rest of this update.
  void mark_gone(const UpdatePlan& plan) {
    if (plan.vanished.empty() && plan.returned.empty()) return;
    Transaction transaction(database_, Transaction::Kind::write);
    table_.generation();
    for (const auto id : plan.vanished) table_.set_gone(id, true);
    for (const auto id : plan.returned) table_.set_gone(id, false);
    table_.advance_generation();
    transaction.commit();
  }

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
  const auto adoption = options.reindex ? Adoption::start_again : Adoption::keep;
  const auto library = readers_.adopt(database, adoption, decoding);
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
