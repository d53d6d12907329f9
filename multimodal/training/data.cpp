#include "multimodal/training/data.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/parallel.h"
#include "multimodal/training/batches.h"

namespace beeld {

int batches_ahead() {
  return static_cast<unsigned>(thread_count()) < std::thread::hardware_concurrency() ? 2 : 0;
}

namespace {

/// Batches made on a thread of their own, up to `depth` ahead of who takes them.
class Prefetch {
 public:
  Prefetch(BatchMaker& maker, std::size_t depth)
      : maker_(maker), depth_(depth), thread_([this](const std::stop_token& stop) { work(stop); }) {}

  /// Throws what the maker threw, once all batches before it have been taken.
  TrainingBatch take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || !ready_.empty(); });
    if (ready_.empty()) std::rethrow_exception(failure_);
    auto batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return batch;
  }

 private:
  void work(const std::stop_token& stop) {
    try {
      while (wait_for_room(stop)) put(maker_.make());
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  bool wait_for_room(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, stop, [&] { return ready_.size() < depth_; }) && !stop.stop_requested();
  }

  void put(TrainingBatch batch) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(batch));
    changed_.notify_all();
  }

  BatchMaker& maker_;
  std::size_t depth_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<TrainingBatch> ready_;
  std::exception_ptr failure_;
  std::jthread thread_;  ///< The last member: it ends before what it uses.
};

}  // namespace

struct TrainingData::State {
  BatchMaker maker;
  TrainingPosition position;
  std::exception_ptr failure;
  std::optional<Prefetch> prefetch;  ///< The last member: its thread uses the maker.

  TrainingBatch take() {
    if (failure) std::rethrow_exception(failure);
    try {
      return prefetch ? prefetch->take() : maker.make();
    } catch (...) {
      failure = std::current_exception();
      throw;
    }
  }
};

TrainingData::TrainingData(std::vector<TrainingSource> sources, const TrainingDataOptions& options,
                           const TrainingPosition& position)
    : state_(new State{BatchMaker(std::move(sources), options, position), {}, {}, {}}) {
  state_->position = state_->maker.position();
  if (options.prefetch > 0)
    state_->prefetch.emplace(state_->maker, static_cast<std::size_t>(options.prefetch));
}

TrainingData::~TrainingData() = default;

TrainingBatch TrainingData::next() {
  auto batch = state_->take();
  state_->position = batch.after;
  return batch;
}

const TrainingPosition& TrainingData::position() const { return state_->position; }

}  // namespace beeld
