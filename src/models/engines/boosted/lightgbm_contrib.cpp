#include "models/engines/boosted/lightgbm_contrib.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr size_t kMostDepth = 512;
constexpr double kZero = 1e-35;

// One feature on the path from the root, with the share of rows that go this way without knowing it
// (zero), whether this row goes this way (one), and the weight of subsets of each size.
struct Step {
  int64_t feature = -1;
  double zero = 0, one = 0, weight = 0;
};

void extend(Step* path, size_t depth, double zero, double one, int64_t feature) {
  path[depth] = {feature, zero, one, depth == 0 ? 1.0 : 0.0};
  auto n = static_cast<double>(depth + 1);
  for (size_t i = depth; i-- > 0;) {
    path[i + 1].weight += one * path[i].weight * static_cast<double>(i + 1) / n;
    path[i].weight = zero * path[i].weight * static_cast<double>(depth - i) / n;
  }
}

// Takes step `which` out of a path of depth + 1 steps. sum_only: the sum of the weights then.
double unwind(Step* path, size_t depth, size_t which, bool sum_only) {
  double one = path[which].one, zero = path[which].zero;
  double next = path[depth].weight, total = 0;
  auto n = static_cast<double>(depth + 1);
  for (size_t i = depth; i-- > 0;) {
    double share = static_cast<double>(depth - i) / n;
    double weight;
    if (one != 0) {
      weight = next * n / (static_cast<double>(i + 1) * one);
      next = path[i].weight - weight * zero * share;
    } else {
      weight = zero == 0 ? 0 : path[i].weight / (zero * share);
    }
    total += weight;
    if (!sum_only) path[i].weight = weight;
  }
  if (sum_only) return total;
  for (size_t i = which; i < depth; ++i) {
    path[i].feature = path[i + 1].feature;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
  return total;
}

class Walker {
 public:
  Walker(const LightgbmTree& tree, const double* row, double* out, Step* steps, size_t stride)
      : t_(tree), row_(row), out_(out), steps_(steps), stride_(stride) {}

  // Depth is bounded by lightgbm_contrib_check().
  void walk(int32_t at, size_t level, size_t depth, double zero, double one, int64_t feature) {
    Step* path = steps_ + level * stride_;
    if (level > 0) std::memcpy(path, path - stride_, depth * sizeof(Step));
    extend(path, depth, zero, one, feature);
    if (at < 0) return leaf(path, depth, t_.leaf_value[static_cast<size_t>(~at)]);
    auto split = static_cast<size_t>(at);
    uint32_t f = t_.feature[split];
    bool left = lightgbm_goes_left(t_, split, row_[f]);
    int32_t hot = left ? t_.left[split] : t_.right[split];
    int32_t cold = left ? t_.right[split] : t_.left[split];
    double all = t_.internal_count[split];
    double in_zero = 1, in_one = 1;
    for (size_t i = 0; i <= depth; ++i) {
      if (path[i].feature != static_cast<int64_t>(f)) continue;
      in_zero = path[i].zero, in_one = path[i].one;
      unwind(path, depth, i, false);
      --depth;
      break;
    }
    walk(hot, level + 1, depth + 1, count(hot) / all * in_zero, in_one, f);
    walk(cold, level + 1, depth + 1, count(cold) / all * in_zero, 0, f);
  }

 private:
  double count(int32_t at) const {
    return at < 0 ? t_.leaf_count[static_cast<size_t>(~at)]
                  : t_.internal_count[static_cast<size_t>(at)];
  }
  void leaf(Step* path, size_t depth, double value) {
    for (size_t i = 1; i <= depth; ++i)
      out_[path[i].feature] += unwind(path, depth, i, true) * (path[i].one - path[i].zero) * value;
  }

  const LightgbmTree& t_;
  const double* row_;
  double* out_;
  Step* steps_;
  size_t stride_;
};

size_t depth_of(const LightgbmTree& t) {
  size_t most = 0;
  std::vector<std::pair<int32_t, size_t>> todo{{0, 1}};
  while (!todo.empty()) {
    auto [at, depth] = todo.back();
    todo.pop_back();
    most = std::max(most, depth);
    auto i = static_cast<size_t>(at);
    for (int32_t child : {t.left[i], t.right[i]})
      if (child >= 0) todo.emplace_back(child, depth + 1);
  }
  return most;
}

double expected_value(const LightgbmTree& t) {
  double sum = 0;
  for (size_t i = 0; i < t.leaves; ++i)
    sum += t.leaf_count[i] / t.internal_count[0] * t.leaf_value[i];
  return sum;
}

}  // namespace

bool lightgbm_goes_left(const LightgbmTree& t, size_t split, double x) {
  auto missing = t.missing(split);
  if (t.categorical(split)) {
    if (!(x > -1 && x < 2147483648.0)) return false;
    auto category = static_cast<uint32_t>(x);
    auto set = static_cast<size_t>(t.threshold[split]);
    size_t word = t.boundaries[set] + category / 32;
    return word < t.boundaries[set + 1] && (t.bits[word] >> (category % 32) & 1) != 0;
  }
  if (std::isnan(x) && missing != LightgbmTree::MissingType::kNan) x = 0;
  bool zero = x >= -kZero && x <= kZero;
  if ((missing == LightgbmTree::MissingType::kZero && zero) || std::isnan(x))
    return t.default_left(split);
  return x <= t.threshold[split];
}

Status lightgbm_contrib_check(const LightgbmFile& file) {
  for (const LightgbmTree& t : file.trees) {
    if (t.linear)
      return error(Code::kUnimplemented, "contributions of linear trees are not supported");
    if (t.leaves == 1) continue;
    if (t.leaf_count.empty())
      return error(Code::kUnimplemented, "the file has no counts, which contributions need");
    if (depth_of(t) > kMostDepth)
      return error(Code::kUnimplemented,
                   str("contributions of trees deeper than ", kMostDepth, " are not supported"));
    for (double n : t.internal_count)
      if (!(n > 0)) return error(Code::kUnimplemented, "the file has a split that saw no rows");
  }
  return {};
}

void lightgbm_contrib(const LightgbmFile& file, const double* rows, size_t n, double* out,
                      inference::Workspace& work) {
  size_t width = file.features + 1, outputs = file.per_iteration, deepest = 0;
  for (const LightgbmTree& t : file.trees)
    if (t.leaves > 1) deepest = std::max(deepest, depth_of(t));
  size_t stride = deepest + 2;
  auto mark = work.mark();
  Step* steps = work.take<Step>(stride * stride).data();
  std::fill(out, out + n * outputs * width, 0.0);
  for (size_t t = 0; t < file.trees.size(); ++t) {
    const LightgbmTree& tree = file.trees[t];
    bool single = tree.leaves == 1;
    double expected = single ? tree.leaf_value[0] : expected_value(tree);
    for (size_t r = 0; r < n; ++r) {
      double* to = out + (r * outputs + t % outputs) * width;
      to[width - 1] += expected;
      if (!single)
        Walker(tree, rows + r * file.features, to, steps, stride).walk(0, 0, 0, 1, 1, -1);
    }
  }
  work.release(mark);
}

}  // namespace proa::engines
