#include "models/engines/trees/packed.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "models/engines/trees/layout.h"

namespace proa::trees {
namespace {

constexpr size_t kFewestRows = 12;  // for which sixteen rows side by side are faster than trees
constexpr float kInf = std::numeric_limits<float>::infinity();

template <typename T>
Aligned<T> aligned(size_t n) {
  size_t bytes = (n * sizeof(T) + 127) / 64 * 64;
  void* p = std::aligned_alloc(64, bytes);
  CHECK(p != nullptr);
  std::memset(p, 0, bytes);
  return Aligned<T>(static_cast<T*>(p));
}

// What the fast walk cannot do.
bool allowed(const Layout& f) {
  if (!f.linear.empty() || !f.set_nodes.empty() || f.roots.empty() || f.features == 0) return false;
  if (f.features > (1u << 16) || f.nodes.size() > (size_t{1} << 26)) return false;
  for (const PlainNode& n : f.nodes) {
    if ((n.word & PlainNode::kLeaf) != 0) continue;
    if ((n.word & PlainNode::kZeroMissing) != 0 || std::isnan(n.threshold)) return false;
  }
  return true;
}

// Marks the features whose NaN is 0; false if nodes of one feature disagree.
bool find_zeros(const Layout& f, Packed& p) {
  p.zero = aligned<uint8_t>(f.features);
  std::vector<uint8_t> seen(f.features, 2);
  for (const PlainNode& n : f.nodes) {
    if ((n.word & PlainNode::kLeaf) != 0) continue;
    uint8_t zero = (n.word & PlainNode::kNanZero) != 0;
    uint8_t& was = seen[n.word & PlainNode::kFeature];
    if (was != 2 && was != zero) return false;
    was = zero;
    if (zero == 0) p.nan_matters = true;
  }
  for (size_t i = 0; i < f.features; ++i) {
    p.zero[i] = seen[i] == 1;
    p.any_zero |= seen[i] == 1;
  }
  return true;
}

float rounded_threshold(double t, bool exact) {
  auto r = static_cast<float>(t);
  if (exact && static_cast<double>(r) > t) r = std::nextafter(r, -kInf);
  return r;
}

void set_leaf(const Layout& f, Packed& p, size_t at, uint32_t leaf) {
  if (f.width != 1) {
    p.leaf[at] = leaf;
  } else if (f.float_sum) {
    p.float_value[at] = static_cast<float>(f.values[leaf]);
  } else {
    p.value[at] = f.values[leaf];
  }
}

void make_leaves(const Layout& f, Packed& p, size_t n) {
  p.leaves = n;
  if (f.width != 1)
    p.leaf = aligned<uint32_t>(n);
  else if (f.float_sum)
    p.float_value = aligned<float>(n);
  else
    p.value = aligned<double>(n);
}

void set_node(Packed& p, size_t at, const PlainNode& n) {
  p.node[at] = {rounded_threshold(n.threshold, p.exact), n.word & PlainNode::kFeature};
  if ((n.word & PlainNode::kNanLeft) != 0) p.node[at].word |= Packed::kNanLeft;
}

// Subtree `plain` at `at` of tree t; a leaf above the last level is put under all nodes below.
void fill_complete(const Layout& f, Packed& p, size_t t, uint32_t plain, size_t at, size_t level) {
  const PlainNode& n = f.nodes[plain];
  bool leaf = (n.word & PlainNode::kLeaf) != 0;
  if (level == p.depth) return set_leaf(f, p, (t << p.depth) + at - p.stride, n.next);
  if (leaf)
    p.node[t * p.stride + at] = {kInf, 0};
  else
    set_node(p, t * p.stride + at, n);
  fill_complete(f, p, t, leaf ? plain : n.next, at * 2, level + 1);
  fill_complete(f, p, t, leaf ? plain : n.next + 1, at * 2 + 1, level + 1);
}

void make_complete(const Layout& f, Packed& p) {
  p.complete = true;
  p.stride = size_t{1} << p.depth;
  p.nodes = p.trees * p.stride;
  p.node = aligned<Packed::Node>(p.nodes);
  make_leaves(f, p, p.nodes);
  p.tree_depth = aligned<uint8_t>(p.trees);
  p.head = aligned<Packed::Head>((p.trees + 15) / 16);
  for (size_t t = 0; t < p.trees; ++t) {
    fill_complete(f, p, t, f.roots[t], 1, 0);
    p.tree_depth[t] = static_cast<uint8_t>(std::max<uint32_t>(f.depth[t], 3));
    for (size_t k = 1; k < 8; ++k) {
      p.head[t / 16].threshold[k][t % 16] = p.node[t * p.stride + k].threshold;
      p.head[t / 16].word[k][t % 16] = p.node[t * p.stride + k].word;
    }
  }
}

void make_linked(const Layout& f, Packed& p) {
  p.nodes = f.nodes.size();
  p.node = aligned<Packed::Node>(p.nodes);
  p.next = aligned<uint32_t>(p.nodes);
  p.root = aligned<uint32_t>(p.trees);
  make_leaves(f, p, p.nodes);
  for (size_t t = 0; t < p.trees; ++t) p.root[t] = f.roots[t];
  for (size_t i = 0; i < p.nodes; ++i) {
    const PlainNode& n = f.nodes[i];
    p.next[i] = n.next;
    if ((n.word & PlainNode::kLeaf) == 0) {
      set_node(p, i, n);
      continue;
    }
    p.node[i] = {kInf, Packed::kNanLeft};
    p.next[i] = static_cast<uint32_t>(i);
    set_leaf(f, p, i, n.next);
  }
}

}  // namespace

PackedPtr pack(const Layout& f) {
  if (!allowed(f)) return nullptr;
  PackedPtr p(new Packed);
  p->exact = f.float_input;
  p->features = f.features;
  p->trees = f.roots.size();
  for (uint32_t d : f.depth) p->depth = std::max<size_t>(p->depth, d);
  if (!find_zeros(f, *p)) return nullptr;
  size_t complete = p->depth < 30 ? p->trees << std::max<size_t>(p->depth, 4) : ~size_t{0};
  if (p->depth <= 6 || (p->depth <= 10 && complete <= 4 * f.nodes.size())) {
    p->depth = std::max<size_t>(p->depth, 4);
    make_complete(f, *p);
  } else {
    make_linked(f, *p);
  }
  return p;
}

size_t packed_memory(const Packed* p) {
  if (p == nullptr) return 0;
  size_t heads = p->complete ? (p->trees + 15) / 16 * (sizeof(Packed::Head) + 16) : 0;
  return heads + p->nodes * (p->complete ? 8 : 12) + p->leaves * (p->value != nullptr ? 8 : 4);
}

namespace {

// Rounds a block's rows; lanes: 1 for row-major, 16 for groups of rows side by side.
void convert(const Packed& p, Block& b, size_t lanes) {
  bool nan = false;
  size_t f = p.features;
  for (size_t r = 0; r < b.n; ++r) {
    const double* row = b.rows + r * f;
    float* out = b.values + r / lanes * lanes * f + r % lanes;
    for (size_t c = 0; c < f; ++c) {
      auto x = static_cast<float>(row[c]);
      nan |= x != x;
      out[c * lanes] = x;
    }
    if (!nan || !p.any_zero) continue;
    for (size_t c = 0; c < f; ++c)
      if (p.zero[c] != 0 && std::isnan(out[c * lanes])) out[c * lanes] = 0;
  }
  for (size_t r = b.n; r % lanes != 0; ++r)  // lanes without a row
    for (size_t c = 0; c < f; ++c) b.values[r / lanes * lanes * f + r % lanes + c * lanes] = 0;
  b.nan = nan && p.nan_matters;
}

void predict_block(const Layout& f, Block& b, bool simd) {
  const Packed& p = *f.packed;
  bool rows = simd && b.n >= (p.complete ? kFewestRows : 6);
  convert(p, b, rows ? Block::kLanes : 1);
  for (size_t r = 0; r < b.n; ++r)
    for (size_t o = 0; o < f.outputs; ++o) b.sums[r * f.outputs + o] = f.base[o];
  if (!p.exact) std::memset(b.doubtful, 0, b.n + Block::kLanes);
  if (rows)
    add_trees_avx512(f, b);
  else if (simd && p.complete)
    add_row_avx512(f, b);
  else
    add_trees_scalar(f, b);
  finish(f, b.sums, b.n * f.outputs);
  if (p.exact) return;
  for (size_t r = 0; r < b.n; ++r)
    if (b.doubtful[r] != 0) plain_row(f, b.rows + r * p.features, b.sums + r * f.outputs);
}

}  // namespace

void packed_predict(const Layout& f, const double* rows, size_t n, double* out,
                    inference::Workspace& work, bool simd) {
  static const bool avx512 = has_avx512();
  const Packed& p = *f.packed;
  auto mark = work.mark();
  // The block's values should stay in the first-level cache beside a tree.
  size_t most = std::clamp<size_t>(32768 / (4 * p.features) / 16 * 16, 16, Block::kRows);
  Block b;
  b.values = work.take<float>((most + Block::kLanes) * p.features).data();
  b.doubtful = work.take<uint8_t>(most + Block::kLanes).data();
  for (size_t at = 0; at < n; at += b.n) {
    b.n = std::min(most, n - at);
    b.rows = rows + at * p.features;
    b.sums = out + at * f.outputs;
    predict_block(f, b, simd && avx512);
  }
  work.release(mark);
}

}  // namespace proa::trees
