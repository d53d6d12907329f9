#include "core/base/parallel.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace beeld {

namespace {

std::mutex control_mutex;
std::unique_ptr<tbb::global_control> control;

}  // namespace

void set_thread_count(int threads) {
  const std::lock_guard lock(control_mutex);
  const auto wanted = threads > 0 ? threads : tbb::info::default_concurrency();
  control.reset();
  control = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                  static_cast<std::size_t>(wanted));
}

int thread_count() {
  return static_cast<int>(
      std::min<std::size_t>(tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism),
                            static_cast<std::size_t>(tbb::info::default_concurrency())));
}

#ifdef __SANITIZE_THREAD__
// The thread sanitizer cannot see how TBB's binary orders its tasks, and would report every one of them.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (count <= grain) return count > 0 ? body(0, count) : void();
  std::exception_ptr failure;
  std::mutex mutex;
  std::atomic<std::int64_t> next = 0;
  const auto work = [&] {
    for (auto begin = next.fetch_add(grain); begin < count; begin = next.fetch_add(grain)) {
      try {
        body(begin, std::min(begin + grain, count));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  {
    const std::jthread other(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

struct TaskGroup::State {
  std::mutex mutex;
  std::vector<std::jthread> threads;
};

void TaskGroup::run(const std::function<void()>& task) {
  const std::lock_guard lock(state_->mutex);
  state_->threads.emplace_back(task);
}

void TaskGroup::wait() {
  for (;;) {
    std::unique_lock lock(state_->mutex);
    if (state_->threads.empty()) return;
    auto last = std::move(state_->threads.back());
    state_->threads.pop_back();
    lock.unlock();
    last.join();
  }
}
#else
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (count <= 0) return;
  if (count <= grain || thread_count() == 1) return body(0, count);
  tbb::parallel_for(
      tbb::blocked_range<std::int64_t>(0, count, static_cast<std::size_t>(grain)),
      [&](const auto& range) { body(range.begin(), range.end()); }, tbb::simple_partitioner());
}

struct TaskGroup::State {
  tbb::task_group group;
};

void TaskGroup::run(const std::function<void()>& task) { state_->group.run(task); }

void TaskGroup::wait() { state_->group.wait(); }
#endif

TaskGroup::TaskGroup() : state_(std::make_unique<State>()) {}

TaskGroup::~TaskGroup() = default;

}  // namespace beeld
