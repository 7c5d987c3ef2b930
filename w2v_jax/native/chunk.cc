// A chunk of training as one call of XLA: R replicas on R threads over one state.
//
// The tables come in and go out in the same memory. Between two meetings each replica
// trains copies of the rows it uses (rows.h); at a meeting they are added up, each
// replica writing its own share of the ids. The order of every addition is fixed, so a
// result depends on the arguments alone.

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hierarchical_softmax.h"
#include "negative_sampling.h"
#include "sampling.h"
#include "xla/ffi/api/ffi.h"

namespace w2v {

namespace ffi = xla::ffi;

// Looks for a while, then lets others run: a replica may share its core.
class Meeting {
 public:
  explicit Meeting(int parties) : parties_(parties) {}

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
  const int parties_;
  std::atomic<int> arrived_{0}, turn_{0};
  std::atomic<bool> broken_{false};
  std::exception_ptr error_;
};

// What a chunk brings beside its text: where its rates begin and end, and its length.
struct Schedule {
  float first_rate, last_rate;
  int64_t steps;  // of each replica
  int64_t share;  // centres of each replica
};

template <typename Step>
void train(std::vector<std::unique_ptr<Step>>& replicas, const Shape& shape,
           const Text& text, const Schedule& schedule) {
  const int parties = static_cast<int>(replicas.size());
  std::vector<Rows*> inputs, outputs;
  for (auto& replica : replicas) {
    inputs.push_back(&replica->inputs());
    outputs.push_back(&replica->outputs());
  }
  Meeting meeting(parties);
  const int64_t size = shape.block;
  auto work = [&](int k) {
    Step& mine = *replicas[k];
    const int64_t start = k * schedule.share;
    const int64_t end = std::min(start + schedule.share, text.count);
    for (int64_t from = 0; from < schedule.steps; from += shape.every) {
      const int64_t to = std::min<int64_t>(from + shape.every, schedule.steps);
      const int64_t begin = std::min(start + from * size, end);
      const int64_t stop = std::max(begin, std::min(start + to * size, end));
      const uint64_t draws = static_cast<uint64_t>(k) * schedule.steps;
      mine.fetch(begin + shape.window, stop + shape.window, draws + from, draws + to);
      for (int64_t step = from; step < to; ++step) {
        const int64_t first = start + step * size;
        const int64_t left = std::min(size, end - first);
        if (left <= 0) break;
        const float done = static_cast<float>(step) / static_cast<float>(schedule.steps);
        const float rate = schedule.first_rate +
                           (schedule.last_rate - schedule.first_rate) * done;
        mine.step(first + shape.window, static_cast<int>(left),
                  static_cast<int>(step - from), rate);
      }
      if (!meeting.wait()) return;
      Rows::meet(inputs, k);
      Rows::meet(outputs, k);
      if (!meeting.wait()) return;
    }
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

struct Numbers {  // attributes of the call
  int64_t window, block, noise, pool, every, replicas;
  bool cbow, average;
  float noise_weight, row_cap, input_scale;
};

Shape shape_of(const Numbers& given, int64_t dim) {
  Shape shape;
  shape.dim = static_cast<int>(dim);
  shape.window = static_cast<int>(given.window);
  shape.block = static_cast<int>(given.block);
  shape.noise = static_cast<int>(given.noise);
  shape.pool = static_cast<size_t>(given.pool);
  shape.every = static_cast<int>(given.every);
  shape.replicas = static_cast<int>(given.replicas);
  shape.cbow = given.cbow;
  shape.average = given.average;
  shape.noise_weight = given.noise_weight;
  shape.row_cap = given.row_cap;
  shape.input_scale = given.input_scale;
  return shape;
}

// `lengths` holds the kept tokens and the steps; `key` two halves of 64 bits.
template <typename Step, typename... Parts>
ffi::Error run(const Numbers& numbers, ffi::Result<Reals>& inputs,
               ffi::Result<Reals>& outputs, Ints tokens, Ints reach, Ints sentences,
               Ints lengths, Reals rates, const Parts&... parts) {
  try {
    const auto sizes = inputs->dimensions();
    Shape shape = shape_of(numbers, sizes[1]);
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
    train(replicas, shape, text, schedule);
  } catch (const std::exception& error) {  // memory, or threads, and nothing else
    return ffi::Error(ffi::ErrorCode::kResourceExhausted,
                      std::string("native step: ") + error.what());
  }
  return ffi::Error::Success();
}

ffi::Error sampled(Reals, Reals, Ints tokens, Ints reach, Ints sentences, Ints lengths,
                   Reals rates, Ints key, Reals threshold, Ints alias,
                   ffi::Result<Reals> inputs, ffi::Result<Reals> outputs,
                   int64_t window, int64_t block, int64_t noise, int64_t pool,
                   int64_t every, int64_t replicas, bool cbow, bool average, float noise_weight,
                   float row_cap, float input_scale) {
  const Numbers numbers{window, block,   noise,        pool,    every, replicas,
                        cbow,   average, noise_weight, row_cap, input_scale};
  const auto high = static_cast<uint32_t>(key.typed_data()[0]);
  const auto low = static_cast<uint32_t>(key.typed_data()[1]);
  const Noise drawn(threshold.typed_data(), alias.typed_data(),
                    static_cast<int64_t>(alias.element_count()),
                    static_cast<uint64_t>(high) << 32 | low);
  return run<NegativeSampling>(numbers, inputs, outputs, tokens, reach, sentences,
                               lengths, rates, drawn);
}

ffi::Error tree(Reals, Reals, Ints tokens, Ints reach, Ints sentences, Ints lengths,
                Reals rates, Ints nodes, Ints codes, Ints depths,
                ffi::Result<Reals> inputs, ffi::Result<Reals> outputs, int64_t window,
                int64_t block, int64_t noise, int64_t pool, int64_t every,
                int64_t replicas, bool cbow, bool average, float noise_weight, float row_cap,
                float input_scale) {
  const Numbers numbers{window, block,   noise,        pool,    every, replicas,
                        cbow,   average, noise_weight, row_cap, input_scale};
  const Tree paths{nodes.typed_data(), codes.typed_data(), depths.typed_data(),
                   static_cast<int>(nodes.dimensions()[1])};
  return run<HierarchicalSoftmax>(numbers, inputs, outputs, tokens, reach, sentences,
                                  lengths, rates, paths);
}

template <typename Bound>
auto with_shape(Bound bound) {
  return std::move(bound)
      .template Ret<Reals>()
      .template Ret<Reals>()
      .template Attr<int64_t>("window")
      .template Attr<int64_t>("block")
      .template Attr<int64_t>("noise")
      .template Attr<int64_t>("pool")
      .template Attr<int64_t>("every")
      .template Attr<int64_t>("replicas")
      .template Attr<bool>("cbow")
      .template Attr<bool>("average")
      .template Attr<float>("noise_weight")
      .template Attr<float>("row_cap")
      .template Attr<float>("input_scale");
}

auto text_arguments() {
  return ffi::Ffi::Bind()
      .Arg<Reals>()
      .Arg<Reals>()
      .Arg<Ints>()
      .Arg<Ints>()
      .Arg<Ints>()
      .Arg<Ints>()
      .Arg<Reals>();
}

}  // namespace w2v

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    W2vNegativeSampling, w2v::sampled,
    w2v::with_shape(w2v::text_arguments()
                        .Arg<w2v::Ints>()
                        .Arg<w2v::Reals>()
                        .Arg<w2v::Ints>()));

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    W2vHierarchicalSoftmax, w2v::tree,
    w2v::with_shape(w2v::text_arguments()
                        .Arg<w2v::Ints>()
                        .Arg<w2v::Ints>()
                        .Arg<w2v::Ints>()));
