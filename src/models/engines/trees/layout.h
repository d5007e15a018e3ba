// How a Forest lies in memory. Private to this folder.
//
// PlainNode is the layout that can do everything; siblings lie side by side, so that one index
// tells both children. Packed (packed.h) is the fast one, for the forests that allow it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "models/engines/trees/forest.h"
#include "models/engines/trees/packed.h"

namespace proa::trees {

struct PlainNode {
  static constexpr uint32_t kLeaf = 1u << 31, kNanLeft = 1u << 30, kNanZero = 1u << 29,
                            kZeroMissing = 1u << 28, kSet = 1u << 27, kFeature = (1u << 24) - 1;
  double threshold = 0;  // x <= threshold goes left; NaN: nothing does. kSet: unused
  uint32_t word = 0;     // feature and flags
  uint32_t next = 0;     // left child, right is next + 1; leaf: its number; kSet: see `sets`
};

struct SetRef {
  uint32_t next = 0, begin = 0, words = 0;
};

struct Layout {
  size_t features = 0, outputs = 1, width = 1;
  bool float_input = false, float_sum = false, negative_fractions = false;
  double divisor = 1;
  std::vector<double> base;
  std::vector<PlainNode> nodes;
  std::vector<uint32_t> roots, tree_output, depth;  // one a tree
  std::vector<SetRef> set_nodes;                    // what `next` of kSet nodes points to
  std::vector<uint32_t> set_words;
  std::vector<double> values;        // leaf number × width
  std::vector<uint32_t> leaf_nodes;  // leaf number → index into Tree::nodes
  std::vector<int32_t> leaf_linear;  // leaf number → linear, or -1; empty: none has
  std::vector<Linear> linear;
  PackedPtr packed;  // nullptr: the forest does not allow it
};

// The number of the leaf that `row` (already rounded, if the forest wants it) comes to.
uint32_t walk(const Layout& f, size_t tree, const double* row);

void plain_row(const Layout& f, const double* row, double* out);  // all outputs of one row
void finish(const Layout& f, double* out, size_t n);              // divides the sums
// The row as the forest compares it: itself, or rounded to float32 in `buffer`.
const double* rounded(const Layout& f, const double* row, double* buffer);

// Checks the spec and lays it out, less `packed`.
Result<std::unique_ptr<Layout>> lay_out(Spec spec);

}  // namespace proa::trees
