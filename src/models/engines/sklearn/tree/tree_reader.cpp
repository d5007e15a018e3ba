#include "models/engines/sklearn/tree/tree_reader.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr size_t kMostTrees = size_t{1} << 18;
constexpr size_t kMostOutputs = size_t{1} << 16;

Result<std::vector<int64_t>> whole(const pickle::Array& nodes, std::string_view name) {
  TRY(pickle::Array member, nodes.field(name));
  return pickle::integers(member);
}

Result<std::vector<double>> real(const pickle::Array& nodes, std::string_view name) {
  TRY(pickle::Array member, nodes.field(name));
  return pickle::doubles(member);
}

bool has_field(const pickle::Array& nodes, std::string_view name) {
  for (const pickle::Field& f : nodes.dtype.fields)
    if (f.name == name) return true;
  return false;
}

Status read_nodes(const pickle::Array& nodes, TreeData& out) {
  TRY(out.left, whole(nodes, "left_child"));
  TRY(out.right, whole(nodes, "right_child"));
  TRY(out.feature, whole(nodes, "feature"));
  TRY(out.threshold, real(nodes, "threshold"));
  TRY(out.samples, real(nodes, "n_node_samples"));
  if (has_field(nodes, "missing_go_to_left")) {
    TRY(out.missing_left, whole(nodes, "missing_go_to_left"));
  }
  return {};
}

Status check_nodes(const Attributes& a, const TreeData& t) {
  auto count = static_cast<int64_t>(t.nodes());
  for (size_t i = 0; i < t.nodes(); ++i) {
    if (t.left[i] < 0) continue;
    if (t.left[i] >= count || t.right[i] < 0 || t.right[i] >= count)
      return a.wrong("a node's child is not there");
    if (t.feature[i] < 0 || t.feature[i] >= static_cast<int64_t>(t.features))
      return a.wrong("a node's feature is not there");
    if (std::isnan(t.threshold[i])) return a.wrong("a node's threshold is NaN");
  }
  return {};
}

// Tree(n_features, n_classes, n_outputs).
Status read_sizes(const Attributes& a, const Node* tree, TreeData& out) {
  if (!tree->args || tree->args->items.size() != 3) return a.wrong("tree_ has no sizes");
  const auto& args = tree->args->items;
  TRY(int64_t features, pickle::as_int(*args[0]));
  TRY(int64_t outputs, pickle::as_int(*args[2]));
  if (features < 0 || features > (1 << 24)) return a.wrong("tree_ has too many features");
  if (outputs < 1 || static_cast<size_t>(outputs) > kMostOutputs)
    return a.wrong("tree_ has a wrong number of outputs");
  out.features = static_cast<size_t>(features);
  if (args[1]->kind != Kind::kArray) return a.wrong("tree_ has no numbers of classes");
  TRY(std::vector<int64_t> classes, pickle::integers(*args[1]->array));
  if (classes.size() != static_cast<size_t>(outputs))
    return a.wrong("tree_ has other numbers of classes than outputs");
  for (int64_t n : classes) {
    if (n < 1 || static_cast<size_t>(n) > kMostOutputs)
      return a.wrong("tree_ has a wrong number of classes");
    out.classes.push_back(static_cast<size_t>(n));
    out.stride = std::max(out.stride, static_cast<size_t>(n));
  }
  if (out.width() > kMostOutputs) return a.wrong("tree_ has too many classes");
  return {};
}

}  // namespace

size_t TreeData::width() const {
  size_t sum = 0;
  for (size_t n : classes) sum += n;
  return sum;
}

std::vector<double> TreeData::node_values(bool shares) const {
  std::vector<double> out;
  out.reserve(nodes() * width());
  const double* from = values.data();
  for (size_t node = 0; node < nodes(); ++node)
    for (size_t n : classes) {
      double sum = 0;
      for (size_t c = 0; c < n; ++c) sum += from[c];
      // Shares sum up to 1 but for rounding, and stay as they are.
      bool divide = shares && sum != 0 && std::abs(sum - 1) > 1e-9;
      for (size_t c = 0; c < n; ++c) out.push_back(divide ? from[c] / sum : from[c]);
      from += stride;
    }
  return out;
}

Result<TreeData> read_tree(const Attributes& a) {
  const Node* tree = a.find("tree_");
  if (!tree) return a.wrong("attribute tree_ is missing; was it fitted?");
  if (!tree->type_name().ends_with("._tree.Tree")) return a.wrong("tree_ is no Tree");
  TreeData out;
  TRY_STATUS(read_sizes(a, tree, out));
  const Node* nodes = tree->get("nodes");
  const Node* values = tree->get("values");
  if (!nodes || nodes->kind != Kind::kArray || nodes->array->shape.size() != 1 || !values ||
      values->kind != Kind::kArray)
    return a.wrong("tree_ has no nodes");
  TRY_STATUS(read_nodes(*nodes->array, out).context(a.class_name()));
  const auto& shape = values->array->shape;
  if (out.nodes() == 0 || shape.size() != 3 || shape[0] != out.nodes() ||
      shape[1] != out.classes.size() || shape[2] != out.stride)
    return a.wrong("tree_ has other values than nodes");
  TRY(out.values, pickle::doubles(*values->array));
  TRY_STATUS(check_nodes(a, out));
  return out;
}

Status add_tree(const TreeData& t, const std::vector<double>& values, uint32_t output,
                const std::vector<int64_t>* columns, trees::Spec& spec) {
  trees::Tree made;
  made.output = output;
  made.nodes.resize(t.nodes());
  for (size_t i = 0; i < t.nodes(); ++i) {
    trees::Node& n = made.nodes[i];
    if (t.left[i] < 0) {
      if (spec.values.size() > UINT32_MAX - spec.width)
        return error(Code::kTooLarge, "the trees have too many leaves");
      n.value = static_cast<uint32_t>(spec.values.size());
      for (size_t k = 0; k < spec.width; ++k) spec.values.push_back(values[i * spec.width + k]);
      continue;
    }
    auto feature = static_cast<size_t>(t.feature[i]);
    n.feature = static_cast<int32_t>(columns ? (*columns)[feature] : t.feature[i]);
    n.threshold = t.threshold[i];
    n.left = static_cast<uint32_t>(t.left[i]);
    n.right = static_cast<uint32_t>(t.right[i]);
    bool left = !t.missing_left.empty() && t.missing_left[i] != 0;
    n.nan = left ? trees::Missing::kLeft : trees::Missing::kRight;
  }
  spec.trees.push_back(std::move(made));
  return {};
}

Result<std::vector<TreeData>> read_trees(const Attributes& ensemble,
                                         const std::vector<const Node*>& members) {
  if (members.empty()) return ensemble.wrong("it has no trees");
  if (members.size() > kMostTrees) return ensemble.wrong("it has too many trees");
  std::vector<TreeData> out;
  for (const Node* member : members) {
    Attributes a(*member);
    if (a.class_name() != "DecisionTreeClassifier" && a.class_name() != "DecisionTreeRegressor" &&
        a.class_name() != "ExtraTreeClassifier" && a.class_name() != "ExtraTreeRegressor")
      return ensemble.wrong(str("one of its trees is ", member->describe()));
    TRY(TreeData tree, read_tree(a).context(str(ensemble.class_name(), ": tree ", out.size())));
    out.push_back(std::move(tree));
  }
  return out;
}

Result<const double*> float_input(const Table& in, const Estimator& e, Workspace& work,
                                  Missing missing) {
  TRY(const double* rows, dense_input(in, e, work, missing));
  if (missing == Missing::kAllowed) return rows;
  for (size_t i = 0, n = in.rows * in.columns; i < n; ++i)
    if (std::isinf(static_cast<float>(rows[i])))
      return error(Code::kInvalid,
                   "Input X contains infinity or a value too large for dtype('float32').");
  return rows;
}

}  // namespace proa::engines
