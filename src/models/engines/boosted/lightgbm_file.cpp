#include "models/engines/boosted/lightgbm_file.h"

#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/boosted/lightgbm_text.h"

namespace proa::engines {
namespace {

constexpr size_t kMostFeatures = size_t{1} << 24;
constexpr size_t kMostClasses = size_t{1} << 16;
constexpr size_t kMostLeaves = size_t{1} << 24;
constexpr size_t kMostWords = size_t{1} << 24;  // of the bit sets of one tree
constexpr size_t kMostTrees = size_t{1} << 20;

Error bad(std::string_view what) { return error(Code::kDataLoss, str("LightGBM model: ", what)); }

Status read_bit_sets(const LightgbmSection& s, LightgbmTree& t) {
  if (!s.has("num_cat")) return {};
  TRY(size_t sets, s.count("num_cat", kMostLeaves));
  if (sets == 0) return {};
  TRY(t.boundaries, s.unsigned_integers("cat_boundaries", sets + 1));
  if (t.boundaries[0] != 0 || t.boundaries[sets] > kMostWords)
    return bad("cat_boundaries is wrong");
  for (size_t i = 0; i < sets; ++i)
    if (t.boundaries[i] > t.boundaries[i + 1]) return bad("cat_boundaries do not ascend");
  TRY(t.bits, s.unsigned_integers("cat_threshold", t.boundaries[sets]));
  return {};
}

Status read_linear(const LightgbmSection& s, LightgbmTree& t, size_t features) {
  if (!s.has("is_linear")) return {};
  TRY(size_t linear, s.count("is_linear", 1));
  t.linear = linear == 1;
  if (!t.linear) return {};
  TRY(t.leaf_constant, s.numbers("leaf_const", t.leaves));
  TRY(std::vector<uint32_t> counts, s.unsigned_integers("num_features", t.leaves));
  t.term_starts.push_back(0);
  size_t total = 0;
  for (uint32_t n : counts) {
    total += n;
    if (total > kMostWords) return bad("a linear tree has too many terms");
    t.term_starts.push_back(static_cast<uint32_t>(total));
  }
  TRY(std::vector<uint32_t> columns, s.unsigned_integers("leaf_features", total));
  TRY(std::vector<double> coefficients, s.numbers("leaf_coeff", total));
  for (size_t i = 0; i < total; ++i) {
    if (columns[i] >= features) return bad("leaf_features names a feature that is not there");
    t.terms.push_back({columns[i], coefficients[i]});
  }
  return {};
}

// Every split and leaf but the root is the child of exactly one split, and all hang on the root.
Status check_shape(const LightgbmTree& t) {
  size_t splits = t.leaves - 1;
  std::vector<bool> seen_split(splits), seen_leaf(t.leaves);
  std::vector<int32_t> todo;
  if (splits > 0) todo.push_back(0), seen_split[0] = true;
  size_t seen = todo.size();
  while (!todo.empty()) {
    size_t at = static_cast<size_t>(todo.back());
    todo.pop_back();
    for (int32_t child : {t.left[at], t.right[at]}) {
      bool leaf = child < 0;
      size_t i = static_cast<size_t>(leaf ? ~child : child);
      if (i >= (leaf ? t.leaves : splits)) return bad("a split's child is not there");
      auto mark = leaf ? seen_leaf[i] : seen_split[i];
      if (mark) return bad("two splits have the same child");
      mark = true;
      ++seen;
      if (!leaf) todo.push_back(child);
    }
  }
  if (splits > 0 && seen != splits + t.leaves) return bad("parts of a tree hang on nothing");
  return {};
}

Status check_splits(const LightgbmTree& t, size_t features) {
  size_t sets = t.boundaries.empty() ? 0 : t.boundaries.size() - 1;
  for (size_t i = 0; i + 1 < t.leaves; ++i) {
    if (t.feature[i] >= features) return bad("split_feature names a feature that is not there");
    if (t.decision[i] >> 4 || (t.decision[i] >> 2 & 3) == 3)
      return error(Code::kUnimplemented,
                   str("LightGBM model: decision_type ", t.decision[i], " is not known"));
    double v = t.threshold[i];
    if (std::isnan(v)) return bad("a threshold is NaN");
    if (t.categorical(i) && !(v >= 0 && v < static_cast<double>(sets) && v == std::floor(v)))
      return bad("a categorical split has no bit set");
  }
  return {};
}

// What only contributions need may be missing.
Status read_statistics(const LightgbmSection& s, LightgbmTree& t) {
  size_t splits = t.leaves - 1;
  if (s.has("leaf_count") && s.has("internal_count") && s.has("internal_value") && splits > 0) {
    TRY(t.leaf_count, s.numbers("leaf_count", t.leaves));
    TRY(t.internal_count, s.numbers("internal_count", splits));
    TRY(t.internal_value, s.numbers("internal_value", splits));
  }
  return {};
}

Result<LightgbmTree> read_tree(const LightgbmSection& s, size_t features) {
  LightgbmTree t;
  TRY(t.leaves, s.count("num_leaves", kMostLeaves));
  if (t.leaves == 0) return bad("a tree without leaves");
  size_t splits = t.leaves - 1;
  TRY(t.leaf_value, s.numbers("leaf_value", t.leaves));
  for (double v : t.leaf_value)
    if (std::isnan(v)) return bad("leaf_value holds NaN");
  TRY_STATUS(read_linear(s, t, features));
  if (splits == 0) return t;
  TRY(t.feature, s.unsigned_integers("split_feature", splits));
  TRY(t.threshold, s.numbers("threshold", splits));
  TRY(t.left, s.integers("left_child", splits));
  TRY(t.right, s.integers("right_child", splits));
  t.decision.resize(splits);
  if (s.has("decision_type")) {
    TRY(std::vector<uint32_t> decision, s.unsigned_integers("decision_type", splits));
    for (size_t i = 0; i < splits; ++i) {
      if (decision[i] > 255) return bad("decision_type is wrong");
      t.decision[i] = static_cast<uint8_t>(decision[i]);
    }
  }
  TRY_STATUS(read_bit_sets(s, t));
  TRY_STATUS(check_splits(t, features));
  TRY_STATUS(check_shape(t));
  TRY_STATUS(read_statistics(s, t));
  return t;
}

Status read_header(const LightgbmSection& s, LightgbmFile& out) {
  out.version = s.get("version");
  out.classes = 1;
  if (s.has("num_class")) {
    TRY(out.classes, s.count("num_class", kMostClasses));
  }
  out.per_iteration = out.classes;
  if (s.has("num_tree_per_iteration")) {
    TRY(out.per_iteration, s.count("num_tree_per_iteration", kMostClasses));
  }
  if (out.classes == 0 || out.per_iteration == 0) return bad("it has no classes");
  TRY(out.features, s.count("max_feature_idx", kMostFeatures - 1));
  ++out.features;
  out.average = s.has("average_output");
  out.objective = trim(s.get("objective"));
  std::string_view names = s.get("feature_names");
  for (std::string_view w = next_word(names); !w.empty(); w = next_word(names)) {
    if (out.feature_names.size() == out.features) return bad("feature_names are too many");
    out.feature_names.emplace_back(w);
  }
  if (out.feature_names.size() != out.features) out.feature_names.clear();
  return {};
}

bool ends_trees(std::string_view line) {
  return line == "end of trees" || line == "feature importances:" ||
         line == "feature_importances:" || line == "parameters:";
}

}  // namespace

bool is_lightgbm(std::string_view head) {
  return head.starts_with("tree\n") || head.starts_with("tree\r\n");
}

Result<LightgbmFile> parse_lightgbm(std::string_view text) {
  if (!is_lightgbm(text))
    return bad("it does not begin with the line 'tree'; save it with Booster.save_model");
  LightgbmFile out;
  LightgbmLines lines(text);
  LightgbmSection section;
  bool in_tree = false, ended = false;
  auto finish = [&]() -> Status {
    if (!in_tree) return read_header(section, out);
    if (out.trees.size() == kMostTrees) return bad("it has too many trees");
    auto tree = read_tree(section, out.features);
    if (!tree.ok()) return std::move(tree).error().with_context(str("tree ", out.trees.size()));
    out.trees.push_back(std::move(*tree));
    return {};
  };
  while (auto line = lines.next()) {
    bool starts = line->starts_with("Tree=");
    ended = ends_trees(*line);
    if (starts || ended) {
      TRY_STATUS(finish());
      if (ended) break;
      section = {};
      in_tree = true;
    } else if (!line->empty()) {
      TRY_STATUS(section.add(*line));
    }
  }
  if (!ended) return bad("it ends before its trees do: it was cut off");
  if (out.trees.size() % out.per_iteration != 0) return bad("its last iteration is incomplete");
  return out;
}

}  // namespace proa::engines
