// A block step of hierarchical softmax (Morin and Bengio 2005).
//
//     loss = sum_ij M_ij sum_l softplus(-(1 - 2 code_jl) <hidden_i, node_jl>)
//
// as in w2v_jax/objectives/hierarchical_softmax.py: the centre is predicted, from each
// word of its window (skip-gram) or from their average (CBOW). All scores are taken at
// the values the rows have before the step; then every row takes one step.

#ifndef W2V_JAX_HIERARCHICAL_SOFTMAX_H_
#define W2V_JAX_HIERARCHICAL_SOFTMAX_H_

#include "block.h"

namespace w2v {

// The Huffman tree: the nodes and codes from the root to each word, L slots a word.
struct Tree {
  const int32_t* nodes;
  const int32_t* codes;
  const int32_t* lengths;
  int longest;  // L
};

class HierarchicalSoftmax : public Block {
 public:
  HierarchicalSoftmax(const Shape& shape, const Text& text, float* inputs,
                      float* outputs, int64_t words, const Tree& tree)
      : Block(shape, text, inputs, words),
        tree_(tree),
        out_(outputs, words - 1, shape.dim,
             static_cast<int64_t>(shape.every) * shape.block * tree.longest),
        wide_(shape.cbow ? 1 : rounded_up(2 * shape.window, kLanes)),
        nodes_(static_cast<size_t>(shape.block) * (tree.longest + kSpare)),
        words_(static_cast<size_t>(shape.block) * (2 * shape.window + kSpare)),
        gradients_(2 * shape.window),
        scores_((static_cast<size_t>(shape.block) * tree.longest + kSpare) * wide_ +
                kLanes) {}

  static constexpr bool kTogether = false;  // each replica at its own pace

  std::vector<Rows*> rows() { return {&in_, &out_}; }

  // Fetches the rows of the centres in slots [begin, end).
  void fetch(int64_t begin, int64_t end, uint64_t, uint64_t) {
    use_inputs(begin - shape_.window, end + shape_.window);
    out_.begin();
    path_origin_ = begin;
    path_places_.resize((end - begin) * tree_.longest);
    pulls_.resize((end - begin) * tree_.longest + kSpare);
    path_lengths_.resize(end - begin);
    for (int64_t slot = begin; slot < end; ++slot) {
      const int64_t word = text_.tokens[slot];
      const int32_t* nodes = tree_.nodes + word * tree_.longest;
      const int32_t* codes = tree_.codes + word * tree_.longest;
      const int length = path_lengths_[slot - begin] = tree_.lengths[word];
      float* const pulls = this->pulls(slot);
      for (int l = 0; l < length; ++l) {
        path(slot)[l] = out_.use(nodes[l]);
        pulls[l] = 1.0f - static_cast<float>(codes[l]);
      }
    }
    in_.fetch();
    out_.fetch();
  }

  bool step(int64_t first, int n, int, float rate) {
    look(first, n);
    if (shape_.cbow) {
      cbow(first, n, rate);
      return true;
    }
    const int m = shape_.window, columns = n + 2 * m;
    for (int c = 0; c < columns; ++c) in_rows_[c] = input(first - m + c);
    clear_gradients(columns);
    for (int i = 0; i < n; ++i)
      if (many_[i]) skipgram(first + i, i, rate);
    if (shape_.row_cap > 0) cap(first, n);
    for (int i = 0; i < n; ++i)
      if (many_[i]) move_nodes(first + i, i);
    for (int c = 0; c < columns; ++c)
      if (in_rows_[c] != zero_.at(0))
        add_scaled(const_cast<float*>(in_rows_[c]), shape_.input_scale,
                   gradient_rows_[c], vectors_);
    return true;
  }

 private:
  int32_t* path(int64_t slot) {
    return path_places_.data() + (slot - path_origin_) * tree_.longest;
  }

  // The rows of centre i's path, and those of its window; spare ones are zero.
  const float** nodes(int i) {
    return nodes_.data() + static_cast<size_t>(i) * (tree_.longest + kSpare);
  }
  const float** words(int i) {
    return words_.data() + static_cast<size_t>(i) * (2 * shape_.window + kSpare);
  }

  // 1 - code of each node.
  float* pulls(int64_t slot) {
    return pulls_.data() + (slot - path_origin_) * tree_.longest;
  }

  int depth(int64_t slot) const { return path_lengths_[slot - path_origin_]; }

  void list_nodes(int64_t slot, int i) {
    const int length = depth(slot);
    const int32_t* places = path(slot);
    for (int l = 0; l < length; ++l) nodes(i)[l] = out_.row(places[l]);
    std::fill_n(nodes(i) + length, kSpare, zero_.at(0));
  }

  void list_words(int i) {
    int count = 0;
    for (int c = low_[i]; c <= high_[i]; ++c)
      if (c != i + shape_.window) {
        words(i)[count] = in_rows_[c];
        gradients_[count++] = gradient_rows_[c];
      }
    std::fill_n(words(i) + count, kSpare, zero_.at(0));
  }

  // Factors of centre i's nodes: a row of `wide_` for each, one for each word.
  float* of(int i) {
    return scores_.at(static_cast<size_t>(i) * tree_.longest * wide_);
  }

  // -d loss / dz of a node: pull, 1 - code, less what slope makes of z.
  Vec residual(Vec pull, Vec z) const {
    const Vec left = pull - slope(z), limit = splat(shape_.rule.limit);
    if (shape_.rule.beyond != Rule::kSkips) return left;
    return (z < limit) & (z > -limit) ? left : Vec{};
  }

  // Scores centre i against its window and adds up the gradients of the window's words.
  void skipgram(int64_t slot, int i, float rate) {
    const int length = depth(slot);
    list_nodes(slot, i);
    list_words(i);
    float* factors = of(i);
    dots(nodes(i), length, words(i), many_[i], vectors_, factors, wide_);
    const float* pulls = this->pulls(slot);
    for (int l = 0; l < length; ++l) {
      const Vec pull = splat(pulls[l]);
      for (int x = 0; x < many_[i]; x += kLanes) {
        float* place = factors + l * wide_ + x;
        store(place, splat(rate) * residual(pull, load(place)));
      }
    }
    combine(nodes(i), length, factors, wide_, 1, gradients_.data(), many_[i], vectors_);
  }

  void move_nodes(int64_t slot, int i) {
    combine(words(i), many_[i], of(i), 1, wide_, const_cast<float* const*>(nodes(i)),
            depth(slot), vectors_);
  }

  void cbow(int64_t first, int n, float rate) {
    average(first, n);
    clear_gradients(n);
    for (int i = 0; i < n; ++i) {
      if (!many_[i]) continue;
      list_nodes(first + i, i);
      const int length = depth(first + i);
      const float* pulls = this->pulls(first + i);
      float* factors = of(i);
      for (int l = 0; l < length; l += kLanes)
        dot_tile<kLanes, 1>(nodes(i) + l, &hidden_rows_[i], vectors_, factors + l, 1);
      for (int l = 0; l < length; l += kLanes) {
        store(factors + l,
              splat(rate) * residual(load(pulls + l), load(factors + l)));
      }
      combine_rows<1>(nodes(i), length, factors, 1, 0, &gradient_rows_[i], vectors_);
    }
    if (shape_.row_cap > 0) cap(first, n);
    for (int i = 0; i < n; ++i) {
      if (!many_[i]) continue;
      for (int l = 0; l < depth(first + i); ++l)
        add_scaled(const_cast<float*>(nodes(i)[l]), of(i)[l], hidden_rows_[i], vectors_);
    }
    hand_back(n);
  }

  void cap(int64_t first, int n) {
    for (int i = 0; i < n; ++i) {
      const float terms = shape_.cbow ? many_[i] > 0 : many_[i];
      const int32_t* places = path(first + i);
      for (int l = 0; l < depth(first + i); ++l)
        out_.count_terms(places[l], terms);
    }
    for (int i = 0; i < n; ++i) {
      const int32_t* places = path(first + i);
      for (int l = 0; l < depth(first + i); ++l) {
        const float by = capped(out_.terms(places[l]));
        if (by == 1.0f) continue;
        for (int x = 0; x < wide_; ++x) of(i)[l * wide_ + x] *= by;
      }
    }
    for (int i = 0; i < n; ++i)
      for (int l = 0; l < depth(first + i); ++l)
        out_.forget_terms(path(first + i)[l]);
  }

  static constexpr int kSpare = kLanes;  // a tile may read beyond the last row

  Tree tree_;
  Rows out_;
  const int wide_;
  int64_t path_origin_ = 0;
  std::vector<int32_t> path_places_, path_lengths_;
  std::vector<float> pulls_;
  std::vector<const float*> nodes_, words_;
  std::vector<float*> gradients_;
  Floats scores_;
};

}  // namespace w2v

#endif
