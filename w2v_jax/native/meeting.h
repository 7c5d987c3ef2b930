// Where threads wait for each other.

#ifndef W2V_JAX_MEETING_H_
#define W2V_JAX_MEETING_H_

#include <atomic>
#include <exception>
#include <thread>

namespace w2v {

// Looks for a while, then lets others run: a replica may share its core.
class Meeting {
 public:
  // To be called before anybody waits.
  void open(int parties) { parties_ = parties; }

  // Whether all have come; not so where one has failed, whom nobody waits for.
  bool wait() {
    const int mine = turn_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == parties_) {
      arrived_.store(0, std::memory_order_relaxed);
      turn_.store(mine + 1, std::memory_order_release);
      return !broken_;
    }
    for (int looks = 0; turn_.load(std::memory_order_acquire) == mine; ++looks) {
      if (broken_) return false;
      if (looks > 20000) std::this_thread::yield();
    }
    return !broken_;
  }

  // Takes the exception under way; the first is kept.
  void fail() {
    if (!broken_.exchange(true)) error_ = std::current_exception();
  }

  // To be called when all have ended.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  int parties_ = 1;
  std::atomic<int> arrived_{0}, turn_{0};
  std::atomic<bool> broken_{false};
  std::exception_ptr error_;
};

}  // namespace w2v

#endif
