// Trees of any framework: a Spec that a reader fills, and the Forest that it becomes, checked and
// laid out for speed.
//
// Used by the makers of XGBoost, LightGBM and scikit-learn's trees. A Forest is immutable: threads
// share it, each with its own Workspace. Every layout and instruction set gives the same bits: the
// sums are made tree after tree, as the frameworks make them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "foundation/base/result.h"
#include "models/inference/workspace.h"

namespace proa::trees {

// Where a missing value goes. kZero: it is compared (or looked up) as if it were 0.
enum class Missing : uint8_t { kRight, kLeft, kZero };

struct Node {
  int32_t feature = -1;           // column; -1: this is a leaf
  Missing nan = Missing::kRight;  // where NaN goes
  bool zero_is_missing = false;   // |x| <= 1e-35 goes where NaN goes (which is not kZero then)
  uint32_t left = 0, right = 0;   // indices into the tree's nodes
  double threshold = 0;           // x <= threshold (Spec::less: x < threshold): left. Not NaN
  int32_t set = -1;               // categorical: index into Spec::sets; x in the set: left
  uint32_t value = 0;             // leaf: its first of Spec::width numbers in Spec::values
  int32_t linear = -1;            // leaf: index into Spec::linear
};

struct Tree {
  std::vector<Node> nodes;  // 0 is the root; nodes that cannot be reached from it are left out
  uint32_t output = 0;      // where the leaf's value is added, if Spec::width is 1
};

// constant + sum of coefficient × feature; the leaf's own value where one of these features is
// NaN. Only where Spec::width is 1.
struct Linear {
  double constant = 0;
  std::vector<uint32_t> features;
  std::vector<double> coefficients;
};

struct Spec {
  size_t features = 0;  // columns of a row
  size_t outputs = 1;
  size_t width = 1;          // numbers a leaf: 1, or `outputs` (added to all of them)
  bool less = false;         // x < threshold goes left, not x <= threshold
  bool float_input = false;  // x is rounded to float32 before anything is compared
  bool float_sum = false;    // values are added as float32
  // Categories: x is cut to an integer; what is negative or not in the set goes right.
  // true: -0.5 is negative too, not 0.
  bool negative_fractions = false;
  std::vector<double> base;  // `outputs` numbers that the sums start with; empty: zeros
  double divisor = 1;        // the sums are divided by it at the end (an average of trees)
  std::vector<Tree> trees;
  std::vector<double> values;
  std::vector<std::vector<uint32_t>> sets;  // bit sets: category c is bit c % 32 of word c / 32
  std::vector<Linear> linear;
};

struct Layout;

class Forest {
 public:
  // kDataLoss where the spec contradicts itself: children out of range or shared, cycles, features
  // out of range, values that are not there.
  static Result<Forest> make(Spec spec);
  Forest(Forest&&) noexcept;
  Forest& operator=(Forest&&) noexcept;
  ~Forest();

  size_t features() const;
  size_t outputs() const;
  size_t trees() const;
  size_t memory() const;  // bytes, about

  // `rows`: n × features, row-major; `out`: n × outputs.
  void predict(const double* rows, size_t n, double* out, inference::Workspace& work) const;
  // `out`: n × trees, each the index into Tree::nodes of the leaf that the row comes to.
  void leaves(const double* rows, size_t n, uint32_t* out, inference::Workspace& work) const;

  // For tests and benchmarks: what predict() may use. kScalar is the plain walk.
  enum class Path : uint8_t { kScalar, kPacked, kBest };
  void predict(const double* rows, size_t n, double* out, inference::Workspace& work,
               Path path) const;

 private:
  explicit Forest(std::unique_ptr<Layout> layout);
  std::unique_ptr<Layout> layout_;
};

}  // namespace proa::trees
