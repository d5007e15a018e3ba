// The fast layout of forests without categories: float32 thresholds and one word pair a node,
// walked without branches; sixteen trees side by side, or with AVX-512 sixteen rows. Private to
// this folder.
//
// Thresholds of forests that compare doubles are rounded; rows in which a rounded value equals a
// rounded threshold could go wrong, so they are noticed and walked again, plainly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "models/inference/workspace.h"

namespace proa::trees {

struct Layout;

struct FreeDelete {
  void operator()(void* p) const { std::free(p); }
};
template <typename T>
using Aligned = std::unique_ptr<T[], FreeDelete>;

// Two shapes. complete: every tree has all 2^depth leaves, node i has the children 2i and 2i + 1,
// the root is node 1; leaf i - 2^depth of the tree is node i. Else linked: siblings lie side by
// side and a leaf is its own left child, so that a walk may go on there for ever.
struct Packed {
  static constexpr uint32_t kNanLeft = 1u << 31, kFeature = ~kNanLeft;
  bool complete = false, exact = false;  // exact: the forest compares floats anyway
  bool any_zero = false;                 // some feature's NaN is 0
  bool nan_matters = false;              // some node can tell NaN
  size_t features = 0, trees = 0, depth = 0, stride = 0;  // stride: nodes a complete tree
  size_t nodes = 0, leaves = 0;
  struct Node {
    float threshold;
    uint32_t word;  // feature, kNanLeft
  };
  // Nodes 1 to 7 of sixteen trees, tree beside tree.
  struct Head {
    float threshold[8][16];
    uint32_t word[8][16];
  };
  Aligned<Node> node;
  Aligned<uint8_t> tree_depth;  // complete: below this every node of the tree is a leaf; 3 at least
  Aligned<Head> head;           // complete: of each sixteen trees
  Aligned<uint32_t> next;       // linked: left child
  Aligned<uint32_t> root;       // linked
  Aligned<uint32_t> leaf;       // complete: of each leaf, linked: of each node: the Layout's number
  Aligned<float> float_value;   // the same, its value; float_sum and width 1
  Aligned<double> value;        // the same; double sum and width 1
  Aligned<uint8_t> zero;        // a feature's NaN is 0
};
struct PackedDelete {
  void operator()(Packed* p) const { delete p; }
};
using PackedPtr = std::unique_ptr<Packed, PackedDelete>;

// One block of at most kBlock rows.
struct Block {
  static constexpr size_t kRows = 256, kLanes = 16;
  const double* rows = nullptr;
  size_t n = 0;
  bool nan = false;             // some value is NaN
  float* values = nullptr;      // scalar: row-major; AVX-512: [group of 16][feature][16]
  double* sums = nullptr;       // n × outputs, where the base values are
  uint8_t* doubtful = nullptr;  // rows to walk again
};

PackedPtr pack(const Layout& f);  // nullptr: not for this forest
size_t packed_memory(const Packed* p);
// Forest::predict; simd: with the widest instructions that the processor has.
void packed_predict(const Layout& f, const double* rows, size_t n, double* out,
                    inference::Workspace& work, bool simd);

bool has_avx512();
void add_trees_avx512(const Layout& f, Block& block);  // n is a multiple of 16, but for the last
void add_trees_scalar(const Layout& f, Block& block);
// A few rows (row-major values), sixteen trees of one of them side by side; complete only.
void add_row_avx512(const Layout& f, Block& block);
// Adds one leaf's value or values, whose place is `at`, to a row's sums.
void add_leaf(const Layout& f, size_t tree, size_t at, double* sums);

}  // namespace proa::trees
