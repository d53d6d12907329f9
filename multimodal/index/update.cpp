#include <beeld/error.h>
#include <tbb/parallel_pipeline.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/parallel.h"
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

#ifdef __SANITIZE_THREAD__
// The thread sanitizer cannot see how TBB's binary orders its filters, and would report every batch.
template <class Take, class Prepare, class Encode, class Write>
void run_pipeline(const Take& take, const Prepare& prepare, const Encode& encode, const Write& write) {
  std::mutex mutex;
  std::condition_variable turn;
  std::size_t taken = 0, encoded = 0, written = 0;
  std::exception_ptr failure;
  // Calls `step` when it is this batch's turn.
  const auto in_order = [&](std::size_t number, std::size_t& done, const auto& step) {
    std::unique_lock lock(mutex);
    turn.wait(lock, [&] { return done == number || failure; });
    if (failure) return;
    lock.unlock();
    step();
    lock.lock();
    ++done;
    turn.notify_all();
  };
  const auto work = [&] {
    try {
      for (;;) {
        std::unique_lock lock(mutex);
        const auto batch = failure ? nullptr : take();
        if (!batch) return;
        const auto number = taken++;
        lock.unlock();
        prepare(batch);
        in_order(number, encoded, [&] { encode(batch); });
        in_order(number, written, [&] { write(batch); });
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      turn.notify_all();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < batches_in_flight; ++i) threads.emplace_back(work);
  }
  if (failure) std::rethrow_exception(failure);
}
#else
template <class Take, class Prepare, class Encode, class Write>
void run_pipeline(const Take& take, const Prepare& prepare, const Encode& encode, const Write& write) {
  using Batch = PictureBatch*;
  const auto take_or_stop = [&](tbb::flow_control& flow) {
    const auto batch = take();
    if (!batch) flow.stop();
    return batch;
  };
  tbb::parallel_pipeline(batches_in_flight,
                         tbb::make_filter<void, Batch>(tbb::filter_mode::serial_in_order, take_or_stop) &
                             tbb::make_filter<Batch, Batch>(tbb::filter_mode::parallel, prepare) &
                             tbb::make_filter<Batch, Batch>(tbb::filter_mode::serial_in_order, encode) &
                             tbb::make_filter<Batch, void>(tbb::filter_mode::serial_in_order, write));
}
#endif

/// Decoding, encoding and writing of different batches overlap.
void run_batches(UpdateWork& work, const std::vector<PictureFile>& files, std::size_t batch_size) {
  using Batch = PictureBatch*;
  // Here, because a pipeline that an error ends forgets what is in flight. A batch is taken when the one that
  // had its place is written.
  std::array<PictureBatch, batches_in_flight> batches;
  std::size_t next = 0, taken = 0;
  const auto take = [&]() -> Batch {
    if (next == files.size() || work.stop) return nullptr;
    const auto batch = &batches[taken++ % batches_in_flight];
    *batch = PictureBatch(std::min(batch_size, files.size() - next));
    for (auto& picture : *batch) {
      picture.record.path = files[next].path;
      picture.record.stamp = files[next].stamp;
      ++next;
    }
    return batch;
  };
  const auto prepare = [&](Batch batch) {
    parallel_for(static_cast<std::int64_t>(batch->size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) work.prepare((*batch)[static_cast<std::size_t>(i)]);
    });
    return batch;
  };
  const auto encode = [&](Batch batch) {
    work.encode(*batch);
    return batch;
  };
  const auto write = [&](Batch batch) {
    work.write(*batch);
    *batch = {};
  };
  run_pipeline(take, prepare, encode, write);
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
    const auto found = find_picture_files(folders, [this] { return work_.stop.load(); });
    if (found.cancelled) return;
    auto plan = plan_update(table_, found, ranges_below(folders));
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
