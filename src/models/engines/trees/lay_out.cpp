#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/trees/layout.h"

namespace proa::trees {
namespace {

constexpr size_t kMostNodes = size_t{1} << 28, kMostFeatures = size_t{1} << 24;

Error wrong(size_t tree, std::string_view what) {
  return error(Code::kDataLoss, str("tree ", tree, ": ", what));
}

Status check_counts(const Spec& s) {
  auto bad = [](std::string_view what) { return error(Code::kDataLoss, str("trees: ", what)); };
  if (s.features >= kMostFeatures) return bad("too many features");
  if (s.outputs == 0 || s.outputs >= (1u << 20)) return bad("bad number of outputs");
  if (s.width != 1 && s.width != s.outputs) return bad("bad width of leaves");
  if (!s.base.empty() && s.base.size() != s.outputs) return bad("base values do not fit");
  if (s.divisor == 0 || std::isnan(s.divisor)) return bad("bad divisor");
  size_t nodes = 0;
  for (const Tree& t : s.trees) nodes += t.nodes.size();
  if (nodes >= kMostNodes) return bad("too many nodes");
  for (const Linear& l : s.linear) {
    if (l.features.size() != l.coefficients.size()) return bad("bad linear leaf");
    for (uint32_t f : l.features)
      if (f >= s.features) return bad("a linear leaf's feature is out of range");
  }
  if (!s.linear.empty() && s.width != 1) return bad("linear leaves of several values");
  return {};
}

// One tree after the other, each breadth first, children side by side.
class Builder {
 public:
  Builder(Spec& spec, Layout& out) : spec_(spec), out_(out) {}

  Status add_sets() {
    for (const auto& set : spec_.sets) {
      starts_.push_back(out_.set_words.size());
      if (out_.set_words.size() + set.size() > kMostNodes)
        return error(Code::kDataLoss, "trees: too many categories");
      out_.set_words.insert(out_.set_words.end(), set.begin(), set.end());
    }
    return {};
  }

  Status add(size_t index) {
    const Tree& tree = spec_.trees[index];
    if (tree.nodes.empty()) return wrong(index, "it has no nodes");
    if (spec_.width == 1 && tree.output >= spec_.outputs) return wrong(index, "bad output");
    out_.roots.push_back(static_cast<uint32_t>(out_.nodes.size()));
    out_.tree_output.push_back(spec_.width == 1 ? tree.output : 0);
    seen_.assign(tree.nodes.size(), false);
    seen_[0] = true;
    level_ = {0};
    out_.nodes.emplace_back();
    uint32_t depth = 0;
    size_t at = out_.nodes.size() - 1;
    while (!level_.empty()) {
      below_.clear();
      for (uint32_t n : level_) TRY_STATUS(add_node(index, tree, tree.nodes[n], n, at++));
      level_.swap(below_);
      if (!level_.empty()) ++depth;
    }
    out_.depth.push_back(depth);
    return {};
  }

 private:
  Status add_node(size_t index, const Tree& tree, const Node& n, uint32_t number, size_t at) {
    if (n.feature < 0) return add_leaf(index, n, number, at);
    if (static_cast<size_t>(n.feature) >= spec_.features)
      return wrong(index, str("feature ", n.feature, " of ", spec_.features));
    for (uint32_t child : {n.left, n.right}) {
      if (child >= tree.nodes.size()) return wrong(index, "a child is out of range");
      if (seen_[child]) return wrong(index, "a node has two parents");
      seen_[child] = true;
      below_.push_back(child);
    }
    PlainNode made;
    made.word = static_cast<uint32_t>(n.feature);
    if (n.nan == Missing::kLeft) made.word |= PlainNode::kNanLeft;
    if (n.nan == Missing::kZero) made.word |= PlainNode::kNanZero;
    if (n.zero_is_missing) made.word |= PlainNode::kZeroMissing;
    if (n.zero_is_missing && n.nan == Missing::kZero)
      return wrong(index, "missing is zero, and zero is missing");
    auto next = static_cast<uint32_t>(out_.nodes.size());
    out_.nodes.resize(out_.nodes.size() + 2);
    if (n.set >= 0) {
      if (static_cast<size_t>(n.set) >= starts_.size()) return wrong(index, "no such set");
      made.word |= PlainNode::kSet;
      made.next = static_cast<uint32_t>(out_.set_nodes.size());
      auto set = static_cast<size_t>(n.set);
      out_.set_nodes.push_back({next, static_cast<uint32_t>(starts_[set]),
                                static_cast<uint32_t>(spec_.sets[set].size())});
    } else {
      if (std::isnan(n.threshold)) return wrong(index, "a threshold is not a number");
      made.next = next;
      made.threshold = at_most(n.threshold);
    }
    out_.nodes[at] = made;
    return {};
  }

  // x < t as x <= what is returned.
  double at_most(double t) const {
    constexpr double inf = std::numeric_limits<double>::infinity();
    if (!spec_.less) return t;
    return t == -inf ? std::numeric_limits<double>::quiet_NaN() : std::nextafter(t, -inf);
  }

  Status add_leaf(size_t index, const Node& n, uint32_t number, size_t at) {
    if (n.value > spec_.values.size() || spec_.values.size() - n.value < spec_.width)
      return wrong(index, "a leaf's value is out of range");
    if (n.linear >= 0 && static_cast<size_t>(n.linear) >= spec_.linear.size())
      return wrong(index, "a leaf's linear model is out of range");
    out_.nodes[at].word = PlainNode::kLeaf;
    out_.nodes[at].next = static_cast<uint32_t>(out_.leaf_nodes.size());
    out_.leaf_nodes.push_back(number);
    for (size_t i = 0; i < spec_.width; ++i) {
      double v = spec_.values[n.value + i];
      out_.values.push_back(spec_.float_sum ? static_cast<double>(static_cast<float>(v)) : v);
    }
    if (out_.values.size() > kMostNodes * 4) return wrong(index, "too many values");
    if (!spec_.linear.empty()) out_.leaf_linear.push_back(n.linear);
    return {};
  }

  Spec& spec_;
  Layout& out_;
  std::vector<size_t> starts_;
  std::vector<bool> seen_;
  std::vector<uint32_t> level_, below_;
};

}  // namespace

Result<std::unique_ptr<Layout>> lay_out(Spec s) {
  TRY_STATUS(check_counts(s));
  auto out = std::make_unique<Layout>();
  out->features = s.features;
  out->outputs = s.outputs;
  out->width = s.width;
  out->float_input = s.float_input;
  out->float_sum = s.float_sum;
  out->negative_fractions = s.negative_fractions;
  out->divisor = s.divisor;
  out->base = s.base.empty() ? std::vector<double>(s.outputs) : std::move(s.base);
  Builder builder(s, *out);
  TRY_STATUS(builder.add_sets());
  for (size_t i = 0; i < s.trees.size(); ++i) {
    TRY_STATUS(builder.add(i));
    s.trees[i].nodes = {};
  }
  out->linear = std::move(s.linear);
  return out;
}

}  // namespace proa::trees
