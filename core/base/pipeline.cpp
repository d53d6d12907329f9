#include "core/base/pipeline.h"

#include <exception>
#include <mutex>
#include <optional>
#include <vector>

#include "core/base/parallel.h"

namespace beeld {

namespace {

// Of what is encoded: one that waits, and one being prepared. More of them would only take memory.
constexpr std::size_t most_ahead = 2;

/// A task is not bound to a step: it does the most advanced one that can be done when its turn comes. Nobody
/// ever waits for a step, so that a thread may come by here while it waits in a step's own parallel_for.
class PipelineRun {
 public:
  explicit PipelineRun(const PipelineSteps& steps) : steps_(steps), ready_(steps.places) {}

  void run() {
    call();
    tasks_.wait();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  enum class Kind { prepare, encode, write };
  struct Step {
    Kind kind;
    std::size_t place;
  };

  bool can_write() const { return !writing_ && written_ < encoded_; }
  bool can_encode() const { return !encoding_ && encoded_ < taken_ && ready_[place(encoded_)]; }
  bool can_take() const {
    const auto ahead = taken_ - encoded_ - (encoding_ ? 1 : 0);
    return !ended_ && ahead < most_ahead && taken_ - written_ < steps_.places;
  }

  std::size_t place(std::size_t item) const { return item % steps_.places; }

  /// Does one step, if there is one to do.
  void work() {
    std::unique_lock lock(mutex_);
    called_ = false;
    try {
      const auto step = begin();
      if (!step) return;
      call_if_needed();
      lock.unlock();
      (step->kind == Kind::write    ? steps_.write
       : step->kind == Kind::encode ? steps_.encode
                                    : steps_.prepare)(step->place);
      lock.lock();
      end(*step);
      call_if_needed();
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      if (!failure_) failure_ = std::current_exception();
    }
  }

  /// A step that nobody else does from now on.
  std::optional<Step> begin() {
    if (failure_) return {};
    if (can_write()) {
      writing_ = true;
      return Step{Kind::write, place(written_)};
    }
    if (can_encode()) {
      encoding_ = true;
      return Step{Kind::encode, place(encoded_)};
    }
    if (!can_take()) return {};
    ended_ = !steps_.take(place(taken_));
    if (ended_) return {};
    return Step{Kind::prepare, place(taken_++)};
  }

  void end(Step step) {
    switch (step.kind) {
      case Kind::prepare:
        ready_[step.place] = true;
        break;
      case Kind::encode:
        encoding_ = false;
        ready_[step.place] = false;
        ++encoded_;
        break;
      case Kind::write:
        writing_ = false;
        ++written_;
        break;
    }
  }

  /// Where there is a step to do, one task is on its way, which calls the next.
  void call_if_needed() {
    if (!called_ && !failure_ && (can_write() || can_encode() || can_take())) call();
  }

  void call() {
    called_ = true;
    tasks_.run([this] { work(); });
  }

  const PipelineSteps& steps_;
  std::mutex mutex_;
  std::vector<bool> ready_;  // [place]: prepared, not yet encoded
  std::size_t taken_ = 0, encoded_ = 0, written_ = 0;
  bool called_ = false, ended_ = false, encoding_ = false, writing_ = false;
  std::exception_ptr failure_;
  TaskGroup tasks_;
};

}  // namespace

void run_pipeline(const PipelineSteps& steps) { PipelineRun(steps).run(); }

}  // namespace beeld
