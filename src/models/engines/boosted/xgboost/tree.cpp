// One tree's table to nodes. The table is the file's: nothing in it is believed before it is
// compared with the rest.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/boosted/xgboost/file.h"

namespace proa::engines::boosted {
namespace {

constexpr size_t kMostCategories = size_t{1} << 24;

class Adder {
 public:
  Adder(const XgboostTree& tree, float scale, XgboostFile& file)
      : t_(tree), scale_(scale), spec_(file.forest) {}

  Status run(uint32_t group) {
    size_t n = t_.left.size();
    if (n == 0) return wrong("it has no nodes");
    for (const auto* column : {&t_.right, &t_.feature, &t_.value, &t_.default_left})
      if (column->size() != n) return wrong("its columns differ in length");
    if (!t_.split_type.empty() && t_.split_type.size() != n)
      return wrong("split_type is too short");
    TRY_STATUS(read_sets(n));
    trees::Tree made;
    made.output = group;
    made.nodes.resize(n);
    for (size_t i = 0; i < n; ++i)
      TRY_STATUS(t_.left[i] == -1 ? leaf(i, made.nodes[i]) : split(i, made.nodes[i]));
    spec_.trees.push_back(std::move(made));
    return {};
  }

 private:
  Error wrong(std::string_view what) const {
    return error(Code::kDataLoss, str("tree ", spec_.trees.size(), ": ", what));
  }
  static bool index(double v, size_t below) {
    return v >= 0 && v < static_cast<double>(below) && v == std::floor(v);
  }

  // Bit sets of the nodes that split by category: a segment of `categories` for each.
  Status read_sets(size_t n) {
    set_of_.assign(t_.category_nodes.empty() ? 0 : n, -1);
    if (t_.segments.size() != t_.category_nodes.size() || t_.sizes.size() != t_.segments.size())
      return wrong("its categories do not fit");
    for (size_t i = 0; i < t_.category_nodes.size(); ++i) {
      if (!index(t_.category_nodes[i], n)) return wrong("a categorical node is out of range");
      size_t all = t_.categories.size();
      if (!index(t_.segments[i], all + 1) || !index(t_.sizes[i], all + 1))
        return wrong("its categories do not fit");
      auto begin = static_cast<size_t>(t_.segments[i]), count = static_cast<size_t>(t_.sizes[i]);
      if (all - begin < count) return wrong("its categories do not fit");
      set_of_[static_cast<size_t>(t_.category_nodes[i])] = static_cast<int32_t>(spec_.sets.size());
      auto& words = spec_.sets.emplace_back();
      for (size_t k = begin; k < begin + count; ++k) {
        if (!index(t_.categories[k], kMostCategories)) return wrong("a category is out of range");
        auto c = static_cast<size_t>(t_.categories[k]);
        if (words.size() <= c / 32) words.resize(c / 32 + 1);
        words[c / 32] |= 1u << (c % 32);
      }
      words_ += words.size();
      if (words_ > (size_t{1} << 24)) return wrong("too many categories");
    }
    return {};
  }

  Status split(size_t i, trees::Node& node) {
    size_t n = t_.left.size();
    if (!index(t_.left[i], n) || !index(t_.right[i], n)) return wrong("a child is out of range");
    if (!index(t_.feature[i], spec_.features)) return wrong("a feature is out of range");
    auto left = static_cast<uint32_t>(t_.left[i]), right = static_cast<uint32_t>(t_.right[i]);
    bool nan_left = t_.default_left[i] != 0;
    node.feature = static_cast<int32_t>(t_.feature[i]);
    if (!t_.split_type.empty() && t_.split_type[i] == 1) {  // what is in the set goes right
      if (set_of_.empty() || set_of_[i] < 0) return wrong("a categorical node has no categories");
      node.set = set_of_[i];
      node.left = right, node.right = left;
      node.nan = nan_left ? trees::Missing::kRight : trees::Missing::kLeft;
      return {};
    }
    node.left = left, node.right = right;
    node.nan = nan_left ? trees::Missing::kLeft : trees::Missing::kRight;
    node.threshold = static_cast<float>(t_.value[i]);
    return {};
  }

  Status leaf(size_t i, trees::Node& node) {
    node.value = static_cast<uint32_t>(spec_.values.size());
    if (t_.width == 1) {
      spec_.values.push_back(static_cast<float>(t_.value[i]) * scale_);
      return {};
    }
    size_t count = t_.leaf_weights.size() / t_.width;
    double at = t_.weights_by_leaf ? t_.right[i] : static_cast<double>(i);
    if (!index(at, count)) return wrong("a leaf's weights are out of range");
    size_t begin = static_cast<size_t>(at) * t_.width;
    for (size_t k = 0; k < t_.width; ++k)
      spec_.values.push_back(static_cast<float>(t_.leaf_weights[begin + k]) * scale_);
    return {};
  }

  const XgboostTree& t_;
  float scale_;
  trees::Spec& spec_;
  std::vector<int32_t> set_of_;
  size_t words_ = 0;
};

}  // namespace

namespace {

// Two habits of 3.x that its users' answers depend on: gblinear starts all outputs with the first
// one's base score, and a model that was never boosted takes its base score for a margin.
void mend_base(XgboostFile& file) {
  if (file.booster == "gblinear") file.base.assign(file.groups, file.base[0]);
  bool never = file.booster != "gblinear" && file.forest.trees.empty();
  if (never && file.version.starts_with("3.")) file.base.assign(file.groups, file.base_score[0]);
}

}  // namespace

Status add_xgboost_tree(const XgboostTree& tree, uint32_t group, float scale, XgboostFile& file) {
  return Adder(tree, scale, file).run(group);
}

Status finish_xgboost(XgboostFile& file) {
  const XgboostObjective* o = xgboost_objective(file.objective);
  if (o == nullptr)
    return error(Code::kUnimplemented,
                 str("the objective \"", shorten(file.objective, 60),
                     "\" is not supported: `proa serve --list-formats` tells which are"));
  bool many = file.groups > 4096 && file.booster != "gblinear" && file.forest.width == 1;
  if (many && file.groups > file.forest.trees.size())
    return error(Code::kDataLoss,
                 str(file.groups, " outputs, but only ", file.forest.trees.size(), " trees"));
  if (file.base_score.empty()) file.base_score = {0.5f};
  if (file.base_score.size() != 1 && file.base_score.size() != file.groups)
    return error(Code::kDataLoss, str("base_score has ", file.base_score.size(), " values for ",
                                      file.groups, " outputs"));
  file.base.resize(file.groups);
  for (size_t i = 0; i < file.groups; ++i) {
    float score = file.base_score[file.base_score.size() == 1 ? 0 : i];
    file.base[i] = file.base_is_margin ? score : base_margin(*o, score);
  }
  mend_base(file);
  trees::Spec& s = file.forest;
  s.features = file.features;
  s.outputs = file.groups;
  s.less = s.float_input = s.float_sum = s.negative_fractions = true;
  s.base = file.base;
  if (file.booster == "gblinear" && file.weights.size() != (file.features + 1) * file.groups)
    return error(Code::kDataLoss, str("gblinear has ", file.weights.size(), " weights for ",
                                      file.features, " features and ", file.groups, " outputs"));
  return {};
}

}  // namespace proa::engines::boosted
