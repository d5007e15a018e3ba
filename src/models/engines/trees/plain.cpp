// The plain walk: one row, one tree, one node after the other. It defines what is right; the packed
// layout must give the same bits.
#include <cmath>

#include "models/engines/trees/layout.h"

namespace proa::trees {
namespace {

constexpr double kZero = 1e-35;  // what LightGBM takes as zero

bool in_set(const Layout& f, const SetRef& set, double x) {
  if (!(x > -1 && x < 2147483648.0)) return false;
  if (x < 0 && f.negative_fractions) return false;
  auto category = static_cast<uint32_t>(x);
  if (category / 32 >= set.words) return false;
  return (f.set_words[set.begin + category / 32] >> (category % 32) & 1) != 0;
}

}  // namespace

uint32_t walk(const Layout& f, size_t tree, const double* row) {
  const PlainNode* n = &f.nodes[f.roots[tree]];
  while ((n->word & PlainNode::kLeaf) == 0) {
    double x = row[n->word & PlainNode::kFeature];
    bool missing = std::isnan(x);
    if (missing && (n->word & PlainNode::kNanZero) != 0) x = 0, missing = false;
    if ((n->word & PlainNode::kZeroMissing) != 0 && x >= -kZero && x <= kZero) missing = true;
    uint32_t next = n->next;
    bool left;
    if ((n->word & PlainNode::kSet) != 0) {
      const SetRef& set = f.set_nodes[next];
      next = set.next;
      left = missing ? (n->word & PlainNode::kNanLeft) != 0 : in_set(f, set, x);
    } else {
      left = missing ? (n->word & PlainNode::kNanLeft) != 0 : x <= n->threshold;
    }
    n = &f.nodes[next + (left ? 0 : 1)];
  }
  return n->next;
}

namespace {

double linear_value(const Linear& l, const double* row, double otherwise) {
  double sum = l.constant;
  for (size_t i = 0; i < l.features.size(); ++i) {
    double x = row[l.features[i]];
    if (std::isnan(x)) return otherwise;
    sum += l.coefficients[i] * x;
  }
  return sum;
}

double leaf_value(const Layout& f, uint32_t leaf, const double* row) {
  double value = f.values[leaf];
  if (f.leaf_linear.empty() || f.leaf_linear[leaf] < 0) return value;
  return linear_value(f.linear[static_cast<size_t>(f.leaf_linear[leaf])], row, value);
}

template <typename Sum>
void sum_row(const Layout& f, const double* row, double* out) {
  for (size_t t = 0; t < f.roots.size(); ++t) {
    uint32_t leaf = walk(f, t, row);
    if (f.width == 1) {
      double& o = out[f.tree_output[t]];
      o = static_cast<Sum>(static_cast<Sum>(o) + static_cast<Sum>(leaf_value(f, leaf, row)));
      continue;
    }
    const double* v = &f.values[size_t{leaf} * f.width];
    for (size_t i = 0; i < f.width; ++i)
      out[i] = static_cast<Sum>(static_cast<Sum>(out[i]) + static_cast<Sum>(v[i]));
  }
}

}  // namespace

void plain_row(const Layout& f, const double* row, double* out) {
  for (size_t i = 0; i < f.outputs; ++i) out[i] = f.base[i];
  f.float_sum ? sum_row<float>(f, row, out) : sum_row<double>(f, row, out);
  finish(f, out, f.outputs);
}

void finish(const Layout& f, double* out, size_t n) {
  if (f.divisor == 1) return;
  for (size_t i = 0; i < n; ++i) {
    out[i] /= f.divisor;
    if (f.float_sum) out[i] = static_cast<float>(out[i]);
  }
}

const double* rounded(const Layout& f, const double* row, double* buffer) {
  if (!f.float_input) return row;
  for (size_t i = 0; i < f.features; ++i) buffer[i] = static_cast<float>(row[i]);
  return buffer;
}

}  // namespace proa::trees
