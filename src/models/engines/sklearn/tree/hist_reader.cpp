#include "models/engines/sklearn/tree/hist_reader.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

using pickle::Array;
using pickle::Kind;
using pickle::Node;

constexpr size_t kMostTrees = size_t{1} << 20;

bool has_field(const Array& nodes, std::string_view name) {
  for (const pickle::Field& f : nodes.dtype.fields)
    if (f.name == name) return true;
  return false;
}

Result<std::vector<int64_t>> whole(const Array& nodes, std::string_view name) {
  TRY(Array member, nodes.field(name));
  return pickle::integers(member);
}

// The same, or zeros where the release had no such member.
Result<std::vector<int64_t>> whole_or_zero(const Array& nodes, std::string_view name) {
  if (!has_field(nodes, name)) return std::vector<int64_t>(nodes.count());
  return whole(nodes, name);
}

Result<std::vector<double>> real(const Array& nodes, std::string_view name) {
  TRY(Array member, nodes.field(name));
  return pickle::doubles(member);
}

struct Records {
  std::vector<int64_t> leaf, left, right, feature, missing_left, categorical, set;
  std::vector<double> value, threshold;
};

Result<Records> read_records(const Array& nodes) {
  Records r;
  TRY(r.leaf, whole(nodes, "is_leaf"));
  TRY(r.left, whole(nodes, "left"));
  TRY(r.right, whole(nodes, "right"));
  TRY(r.feature, whole(nodes, "feature_idx"));
  TRY(r.value, real(nodes, "value"));
  TRY(r.threshold, real(nodes, has_field(nodes, "num_threshold") ? "num_threshold" : "threshold"));
  TRY(r.missing_left, whole_or_zero(nodes, "missing_go_to_left"));
  TRY(r.categorical, whole_or_zero(nodes, "is_categorical"));
  TRY(r.set, whole_or_zero(nodes, "bitset_idx"));
  return r;
}

class TreeReader {
 public:
  TreeReader(const Attributes& predictor, const KnownCategories& known, trees::Spec& spec)
      : a_(predictor), known_(known), spec_(spec) {}

  Status read(uint32_t output) {
    const Node* nodes = a_.find("nodes");
    if (!nodes || nodes->kind != Kind::kArray || nodes->array->shape.size() != 1 ||
        nodes->array->count() == 0)
      return a_.wrong("it has no nodes");
    TRY(r_, read_records(*nodes->array).context(a_.class_name()));
    TRY_STATUS(read_sets());
    trees::Tree tree;
    tree.output = output;
    tree.nodes.resize(r_.leaf.size());
    for (size_t i = 0; i < tree.nodes.size(); ++i) TRY_STATUS(add(i, tree.nodes[i]));
    spec_.trees.push_back(std::move(tree));
    return {};
  }

 private:
  Status read_sets() {
    if (!a_.has("raw_left_cat_bitsets")) return {};
    const Node* n = a_.find("raw_left_cat_bitsets");
    if (n->kind != Kind::kArray || n->array->shape.size() != 2 || n->array->shape[1] != 8)
      return a_.wrong("raw_left_cat_bitsets has another shape");
    TRY(words_, pickle::integers(*n->array));
    return {};
  }

  Status add(size_t i, trees::Node& n) {
    if (r_.leaf[i] != 0) {
      if (spec_.values.size() >= UINT32_MAX) return a_.wrong("the trees have too many leaves");
      n.value = static_cast<uint32_t>(spec_.values.size());
      spec_.values.push_back(r_.value[i]);
      return {};
    }
    auto count = static_cast<int64_t>(r_.leaf.size());
    if (r_.left[i] < 0 || r_.left[i] >= count || r_.right[i] < 0 || r_.right[i] >= count)
      return a_.wrong("a node's child is not there");
    if (r_.feature[i] < 0 || r_.feature[i] >= static_cast<int64_t>(spec_.features))
      return a_.wrong("a node's feature is not there");
    n.feature = static_cast<int32_t>(r_.feature[i]);
    n.left = static_cast<uint32_t>(r_.left[i]);
    n.right = static_cast<uint32_t>(r_.right[i]);
    n.nan = r_.missing_left[i] != 0 ? trees::Missing::kLeft : trees::Missing::kRight;
    if (r_.categorical[i] != 0) return add_set(i, n);
    if (std::isnan(r_.threshold[i])) return a_.wrong("a node's threshold is NaN");
    n.threshold = r_.threshold[i];
    return {};
  }

  // Categories that training never saw go where missing values go.
  Status add_set(size_t i, trees::Node& n) {
    auto column = static_cast<size_t>(n.feature), at = static_cast<size_t>(r_.set[i]) * 8;
    if (r_.set[i] < 0 || r_.set[i] > (1 << 24) || at + 8 > words_.size())
      return a_.wrong("a node's set of categories is not there");
    if (known_.categorical.size() <= column || !known_.categorical[column])
      return a_.wrong("a node splits a column of numbers by categories");
    std::vector<uint32_t> set(8);
    for (size_t w = 0; w < 8; ++w) {
      set[w] = static_cast<uint32_t>(words_[at + w]);
      if (n.nan == trees::Missing::kLeft) set[w] |= ~known_.known[column][w];
    }
    n.set = static_cast<int32_t>(spec_.sets.size());
    spec_.sets.push_back(std::move(set));
    return {};
  }

  const Attributes a_;
  const KnownCategories& known_;
  trees::Spec& spec_;
  Records r_;
  std::vector<int64_t> words_;
};

}  // namespace

Result<KnownCategories> read_known(const Attributes& a, size_t features) {
  KnownCategories out;
  if (!a.has("_bin_mapper")) return out;
  TRY(Attributes mapper, a.object({"_bin_mapper"}));
  if (!mapper.has("is_categorical_")) return out;
  TRY(std::vector<int64_t> flags, mapper.integers({"is_categorical_"}));
  TRY(std::vector<const Node*> thresholds, mapper.list({"bin_thresholds_"}));
  if (flags.size() != features || thresholds.size() != features)
    return a.wrong("_bin_mapper has another number of columns");
  out.categorical.resize(features);
  out.known.resize(features);
  for (size_t f = 0; f < features; ++f) {
    if (flags[f] == 0) continue;
    out.categorical[f] = true;
    if (thresholds[f]->kind != Kind::kArray) return a.wrong("a column's categories are no array");
    TRY(std::vector<double> categories, pickle::doubles(*thresholds[f]->array));
    for (double c : categories) {
      if (!(c >= 0 && c < 256)) return a.wrong("a category is not between 0 and 255");
      auto bit = static_cast<uint32_t>(c);
      out.known[f][bit / 32] |= uint32_t{1} << (bit % 32);
    }
  }
  return out;
}

Status read_predictors(const Attributes& a, const KnownCategories& known, size_t outputs,
                       trees::Spec& spec) {
  TRY(std::vector<const Node*> iterations, a.list({"_predictors"}));
  if (iterations.size() > kMostTrees / std::max<size_t>(outputs, 1))
    return a.wrong("it has too many trees");
  for (const Node* iteration : iterations) {
    if ((iteration->kind != Kind::kList && iteration->kind != Kind::kTuple) ||
        iteration->items.size() != outputs)
      return a.wrong("an iteration has another number of trees");
    for (size_t k = 0; k < outputs; ++k) {
      Attributes predictor(*iteration->items[k]);
      if (predictor.class_name() != "TreePredictor")
        return a.wrong(str("one of its trees is ", iteration->items[k]->describe()));
      TRY_STATUS(TreeReader(predictor, known, spec)
                     .read(static_cast<uint32_t>(k))
                     .context(str(a.class_name(), ": tree ", spec.trees.size())));
    }
  }
  return {};
}

}  // namespace proa::engines
