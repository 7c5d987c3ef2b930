// A chunk of training as one call of XLA: R replicas on R threads over one state.
//
// The tables come in and go out in the same memory. Between two meetings each replica
// trains copies of the rows it uses (rows.h); at a meeting it writes those back that it
// alone has used, and its share of the sums of the others. The order of every addition
// is fixed, so a result depends on the arguments alone.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hierarchical_softmax.h"
#include "meeting.h"
#include "negative_sampling.h"
#include "sampling.h"
#include "softmax.h"
#include "xla/ffi/api/ffi.h"

namespace w2v {

namespace ffi = xla::ffi;

// What a chunk brings beside its text: where its rates begin and end, and its length.
struct Schedule {
  float first_rate, last_rate;
  int64_t steps;  // of each replica
  int64_t share;  // centres of each replica
};

// Seconds that replicas have spent since anybody asked, added up over all of them.
class Times {
 public:
  enum { kFetching, kStepping, kWaiting, kMeeting, kRows, kSteps, kCount };

  // What one replica adds.
  class Watch {
   public:
    // The time since the last call belongs to `part`.
    void took(int part) {
      const auto now = std::chrono::steady_clock::now();
      spent_[part] += std::chrono::duration<double>(now - last_).count();
      last_ = now;
    }
    void count(int part, size_t more) { spent_[part] += static_cast<double>(more); }

   private:
    friend class Times;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    double spent_[kCount] = {};
  };

  void add(const Watch& watch) {
    const std::lock_guard<std::mutex> alone(mutex_);
    for (int part = 0; part < kCount; ++part) total_[part] += watch.spent_[part];
  }

  void take(double* to) {
    const std::lock_guard<std::mutex> alone(mutex_);
    std::copy_n(total_, int{kCount}, to);
    std::fill_n(total_, int{kCount}, 0.0);
  }

 private:
  std::mutex mutex_;
  double total_[kCount] = {};
};

Times times;

template <typename Step>
void train(std::vector<std::unique_ptr<Step>>& replicas, const Shape& shape,
           const Text& text, const Schedule& schedule, Meeting& meeting) {
  const int parties = static_cast<int>(replicas.size());
  // Each table's rows, of all replicas.
  std::vector<std::vector<Rows*>> tables;
  for (auto& replica : replicas) {
    const std::vector<Rows*> rows = replica->rows();
    tables.resize(rows.size());
    for (size_t table = 0; table < rows.size(); ++table)
      tables[table].push_back(rows[table]);
  }
  const int64_t size = shape.block;
  auto work = [&](int k) {
    Step& mine = *replicas[k];
    Times::Watch watch;
    const int64_t start = k * schedule.share;
    const int64_t end = std::min(start + schedule.share, text.count);
    for (int64_t from = 0; from < schedule.steps; from += shape.every) {
      const int64_t to = std::min<int64_t>(from + shape.every, schedule.steps);
      const int64_t begin = std::min(start + from * size, end);
      const int64_t stop = std::max(begin, std::min(start + to * size, end));
      const uint64_t draws = static_cast<uint64_t>(k) * schedule.steps;
      mine.fetch(begin + shape.window, stop + shape.window, draws + from, draws + to);
      watch.took(Times::kFetching);
      for (const auto& rows : tables) watch.count(Times::kRows, rows[k]->count());
      watch.count(Times::kSteps, to - from);
      for (int64_t step = from; step < to; ++step) {
        const int64_t first = start + step * size;
        const int64_t left = std::min(size, end - first);
        if (left <= 0 && !Step::kTogether) break;
        const float done = static_cast<float>(step) / static_cast<float>(schedule.steps);
        const float rate = schedule.first_rate +
                           (schedule.last_rate - schedule.first_rate) * done;
        const int count = static_cast<int>(std::max<int64_t>(left, 0));
        const int number = static_cast<int>(step - from);
        if (!mine.step(first + shape.window, count, number, rate)) return;
      }
      watch.took(Times::kStepping);
      if (!meeting.wait()) return;
      watch.took(Times::kWaiting);
      for (const auto& rows : tables) Rows::meet(rows, k);
      watch.took(Times::kMeeting);
      if (!meeting.wait()) return;
      watch.took(Times::kWaiting);
    }
    times.add(watch);
  };
  // An exception that left a thread would end the process.
  auto replica = [&](int k) {
    try {
      work(k);
    } catch (...) {
      meeting.fail();
    }
  };
  std::vector<std::thread> others;
  try {
    for (int k = 1; k < parties; ++k) others.emplace_back(replica, k);
  } catch (...) {
    meeting.fail();
  }
  replica(0);
  for (auto& other : others) other.join();
  meeting.rethrow();
}

using Ints = ffi::Buffer<ffi::S32>;
using Reals = ffi::Buffer<ffi::F32>;

// The attributes of the call, all of which calls.py gives.
Shape shape_of(const ffi::Dictionary& given, int64_t dim) {
  auto count = [&](const char* name) {
    return static_cast<int>(given.get<int64_t>(name).value());
  };
  auto real = [&](const char* name) { return given.get<float>(name).value(); };
  Shape shape;
  shape.dim = static_cast<int>(dim);
  shape.window = count("window");
  shape.block = count("block");
  shape.noise = count("noise");
  shape.pool = static_cast<size_t>(count("pool"));
  shape.every = count("every");
  shape.replicas = count("replicas");
  shape.cbow = given.get<bool>("cbow").value();
  shape.average = given.get<bool>("average").value();
  shape.noise_weight = real("noise_weight");
  shape.row_cap = real("row_cap");
  shape.input_scale = real("input_scale");
  shape.rule = {count("beyond"), real("limit"), given.get<bool>("divides").value(),
                given.get<bool>("drops_targets").value()};
  return shape;
}

// `lengths` holds the kept tokens and the steps.
template <typename Step, typename... Parts>
ffi::Error run(Meeting& meeting, const ffi::Dictionary& attributes,
               ffi::Result<Reals>& inputs, ffi::Result<Reals>& outputs, Ints tokens,
               Ints reach, Ints sentences, Ints lengths, Reals rates,
               const Parts&... parts) {
  try {
    const auto sizes = inputs->dimensions();
    Shape shape = shape_of(attributes, sizes[1]);
    const Text text{tokens.typed_data(), reach.typed_data(),
                    sentences.element_count() ? sentences.typed_data() : nullptr,
                    lengths.typed_data()[0]};
    const float* rate = rates.typed_data();
    const int64_t share = (text.count + shape.replicas - 1) / shape.replicas;
    const Schedule schedule{rate[0], rate[1], lengths.typed_data()[1], share};
    // No more than the text needs: both set the size of what a replica allocates.
    shape.block = std::min<int64_t>(shape.block, std::max<int64_t>(share, 1));
    shape.every = std::min<int64_t>(shape.every, std::max<int64_t>(schedule.steps, 1));
    std::vector<std::unique_ptr<Step>> replicas;
    for (int k = 0; k < shape.replicas; ++k)
      replicas.push_back(std::make_unique<Step>(shape, text, inputs->typed_data(),
                                                outputs->typed_data(), sizes[0],
                                                parts...));
    meeting.open(shape.replicas);
    train(replicas, shape, text, schedule, meeting);
  } catch (const std::exception& error) {  // memory, or threads, and nothing else
    return ffi::Error(ffi::ErrorCode::kResourceExhausted,
                      std::string("native step: ") + error.what());
  }
  return ffi::Error::Success();
}

// `key`: two halves of 64 bits.
ffi::Error sampled(Reals, Reals, Ints tokens, Ints reach, Ints sentences, Ints lengths,
                   Reals rates, Ints key, Reals threshold, Ints alias,
                   ffi::Result<Reals> inputs, ffi::Result<Reals> outputs,
                   ffi::Dictionary attributes) {
  const auto high = static_cast<uint32_t>(key.typed_data()[0]);
  const auto low = static_cast<uint32_t>(key.typed_data()[1]);
  const Noise drawn(threshold.typed_data(), alias.typed_data(),
                    static_cast<int64_t>(alias.element_count()),
                    static_cast<uint64_t>(high) << 32 | low);
  Meeting meeting;
  return run<NegativeSampling>(meeting, attributes, inputs, outputs, tokens, reach,
                               sentences, lengths, rates, drawn);
}

// The tree draws nothing: its key stands there so that all calls are alike.
ffi::Error tree(Reals, Reals, Ints tokens, Ints reach, Ints sentences, Ints lengths,
                Reals rates, Ints, Ints nodes, Ints codes, Ints depths,
                ffi::Result<Reals> inputs, ffi::Result<Reals> outputs,
                ffi::Dictionary attributes) {
  const Tree paths{nodes.typed_data(), codes.typed_data(), depths.typed_data(),
                   static_cast<int>(nodes.dimensions()[1])};
  Meeting meeting;
  return run<HierarchicalSoftmax>(meeting, attributes, inputs, outputs, tokens, reach,
                                  sentences, lengths, rates, paths);
}

ffi::Error softmax(Reals, Reals, Ints tokens, Ints reach, Ints sentences, Ints lengths,
                   Reals rates, Ints, ffi::Result<Reals> inputs,
                   ffi::Result<Reals> outputs, ffi::Dictionary attributes) {
  Meeting meeting;
  Softmax::Group group{meeting, {}};
  return run<Softmax>(meeting, attributes, inputs, outputs, tokens, reach, sentences,
                      lengths, rates, &group);
}

// Tables, text, lengths, rates and key.
auto arguments() {
  return ffi::Ffi::Bind()
      .Arg<Reals>()
      .Arg<Reals>()
      .Arg<Ints>()
      .Arg<Ints>()
      .Arg<Ints>()
      .Arg<Ints>()
      .Arg<Reals>()
      .Arg<Ints>();
}

}  // namespace w2v

// Seconds fetching rows, taking steps, waiting, meeting; rows fetched, steps taken; of
// all replicas since the last call.
extern "C" void w2v_jax_times(double* to) { w2v::times.take(to); }

XLA_FFI_DEFINE_HANDLER_SYMBOL(W2vNegativeSampling, w2v::sampled,
                              w2v::arguments()
                                  .Arg<w2v::Reals>()
                                  .Arg<w2v::Ints>()
                                  .Ret<w2v::Reals>()
                                  .Ret<w2v::Reals>()
                                  .Attrs());

XLA_FFI_DEFINE_HANDLER_SYMBOL(W2vHierarchicalSoftmax, w2v::tree,
                              w2v::arguments()
                                  .Arg<w2v::Ints>()
                                  .Arg<w2v::Ints>()
                                  .Arg<w2v::Ints>()
                                  .Ret<w2v::Reals>()
                                  .Ret<w2v::Reals>()
                                  .Attrs());

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    W2vSoftmax, w2v::softmax,
    w2v::arguments().Ret<w2v::Reals>().Ret<w2v::Reals>().Attrs());
