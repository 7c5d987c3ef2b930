// The rows of one table that one replica uses between two meetings, close together.
//
// A round begins by naming the rows it will use; they are copied out of the table,
// trained as copies that fit the core's own cache, and at the meeting
//
//     row = sum of the replicas' copies - (copies - 1) . row at the last meeting
//
// over the replicas that used it. Nobody writes to the table while anybody reads it.
// What limits a step is the memory behind that cache, so a row crosses the border once
// in each direction.

#ifndef W2V_JAX_ROWS_H_
#define W2V_JAX_ROWS_H_

#include <algorithm>
#include <vector>

#include "simd.h"

// Tests make it small.
#if !defined(W2V_JAX_LONG)
#define W2V_JAX_LONG (1 << 17)
#endif

namespace w2v {

// Which copy stands for which row: a slot for each row of a table that is not too long,
// so that frequent rows, whose ids are close, share cache lines; otherwise open
// addressing, at most half full.
class Places {
 public:
  Places(int64_t size, int64_t most) {
    if (size <= kLong) {
      slots_.resize(size);
      return;
    }
    int bits = 4;
    while ((int64_t{1} << bits) < 2 * most) ++bits;
    slots_.resize(size_t{1} << bits);
    factor_ = 2654435769u;
    shift_ = 32 - bits;
  }

  // The slot of an id, or the empty one where it would go.
  size_t slot(int32_t id) const {
    size_t at = first(id);
    while (slots_[at].copy >= 0 && slots_[at].id != id)
      at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  int32_t copy(size_t slot) const { return slots_[slot].copy; }
  int32_t find(int32_t id) const { return copy(slot(id)); }
  // Has the slot of an id, most often the first looked at, come from memory.
  void prefetch(int32_t id) const { __builtin_prefetch(&slots_[first(id)]); }
  void put(size_t slot, int32_t id, int32_t copy) { slots_[slot] = {id, copy}; }
  void empty(size_t slot) { slots_[slot].copy = -1; }

 private:
  struct Slot {
    int32_t id = 0, copy = -1;
  };
  size_t first(int32_t id) const {
    return static_cast<uint32_t>(id) * factor_ >> shift_;
  }

  static constexpr int64_t kLong = W2V_JAX_LONG;

  uint32_t factor_ = 1;
  int shift_ = 0;
  std::vector<Slot> slots_;
};

class Rows {
 public:
  // `most`: the distinct rows that a round may use.
  Rows(float* table, int64_t size, int dim, int64_t most)
      : table_(table),
        dim_(dim),
        stride_(rounded_up(dim, kLanes)),
        places_(size, std::min(size, most)),
        copies_(std::min(size, most) * stride_),
        terms_(std::min(size, most)) {
    used_.reserve(std::min(size, most));
  }

  int stride() const { return stride_; }

  void begin() {
    for (const Use& use : used_) places_.empty(use.slot);
    used_.clear();
  }

  // How many have been named in this round.
  size_t count() const { return used_.size(); }

  // The number of a row's copy, which it keeps for the round.
  int32_t use(int32_t id) {
    const size_t slot = places_.slot(id);
    int32_t copy = places_.copy(slot);
    if (copy < 0) {
      copy = static_cast<int32_t>(used_.size());
      places_.put(slot, id, copy);
      used_.push_back({id, static_cast<uint32_t>(slot)});
    }
    return copy;
  }

  // Copies the rows named so far; several are on their way from memory at once.
  void fetch() {
    const size_t count = used_.size();
    for (size_t i = 0; i < count + kAhead; ++i) {
      if (i < count) prefetch<0>(used_[i].id);
      if (i >= kAhead)
        copy(row(static_cast<int32_t>(i - kAhead)), in_table(used_[i - kAhead].id));
    }
  }

  float* row(int32_t copy) {
    return copies_.at(static_cast<size_t>(copy) * stride_);
  }
  const float* row(int32_t copy) const {
    return copies_.at(static_cast<size_t>(copy) * stride_);
  }

  // Pair terms of the step that fall on a row, for the cap.
  void count_terms(int32_t copy, float terms) { *terms_.at(copy) += terms; }
  float terms(int32_t copy) const { return *terms_.at(copy); }
  void forget_terms(int32_t copy) { *terms_.at(copy) = 0.0f; }

  // Replica k writes back the rows that it alone has used, and its share of the others.
  static void meet(const std::vector<Rows*>& replicas, int k) {
    const Rows& mine = *replicas[k];
    const size_t count = mine.used_.size();
    std::vector<const float*> users(replicas.size());
    for (size_t i = 0; i < count + kAhead; ++i) {
      if (i < count) {
        mine.prefetch<1>(mine.used_[i].id);
        for (size_t r = 0; r < replicas.size(); ++r)
          if (static_cast<int>(r) != k)
            replicas[r]->places_.prefetch(mine.used_[i].id);
      }
      if (i < kAhead) continue;
      const int32_t id = mine.used_[i - kAhead].id;
      int parties = 0, own = 0;
      for (size_t r = 0; r < replicas.size(); ++r) {
        const int32_t copy = static_cast<int>(r) == k
                                 ? static_cast<int32_t>(i - kAhead)
                                 : replicas[r]->places_.find(id);
        if (copy < 0) continue;
        if (static_cast<int>(r) == k) own = parties;
        users[parties++] = replicas[r]->row(copy);
      }
      if (parties == 1)
        mine.copy(mine.in_table(id), users[0]);
      else if (id % parties == own)
        mine.add_up(mine.in_table(id), users.data(), parties);
    }
  }

 private:
  struct Use {
    int32_t id;
    uint32_t slot;
  };
  static constexpr size_t kAhead = 8;

  float* in_table(int32_t id) const { return table_ + static_cast<size_t>(id) * dim_; }

  template <int kToWrite>
  void prefetch(int32_t id) const {
    const char* from = reinterpret_cast<const char*>(in_table(id));
    for (int byte = 0; byte < dim_ * 4; byte += 64)
      __builtin_prefetch(from + byte, kToWrite);
  }

  void copy(float* to, const float* from) const {
    if (dim_ < kLanes) {
      std::memcpy(to, from, dim_ * 4);
      return;
    }
    for (int d = 0; d + kLanes <= dim_; d += kLanes) store(to + d, load(from + d));
    store(to + dim_ - kLanes, load(from + dim_ - kLanes));  // may overlap the last
  }

  void add_up(float* row, const float* const* users, int parties) const {
    int d = 0;
    for (; d + kLanes <= dim_; d += kLanes) {
      const Vec before = load(row + d);
      Vec total = load(users[0] + d);
      for (int k = 1; k < parties; ++k) total += load(users[k] + d) - before;
      store(row + d, total);
    }
    for (; d < dim_; ++d) {
      const float before = row[d];
      float total = users[0][d];
      for (int k = 1; k < parties; ++k) total += users[k][d] - before;
      row[d] = total;
    }
  }

  float* table_;
  int dim_, stride_;
  Places places_;
  std::vector<Use> used_;
  Floats copies_, terms_;
};

}  // namespace w2v

#endif
