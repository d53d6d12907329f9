#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace beeld {

/// Threads used by parallel_for of all callers together; 0 means one for each core.
void set_thread_count(int threads);
int thread_count();

/// Calls body(begin, end) for parts of [0, count) of at most `grain` items, side by side, or once for all of
/// them where there is one thread; returns when all are done. The first exception is passed on. Nested calls
/// share the same threads.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body);

/// Tasks on the same threads. A task may add others; it must not throw.
class TaskGroup {
 public:
  TaskGroup();
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void run(const std::function<void()>& task);

  /// Takes part until all tasks are done. To be called before the end.
  void wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beeld
