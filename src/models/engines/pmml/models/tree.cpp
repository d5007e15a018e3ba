// TreeModel.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

constexpr int kMostDepth = 500;

struct Node {
  std::string_view id, score, default_child;
  bool has_score = false;
  double count = NAN;
  std::unique_ptr<Predicate> predicate;
  std::vector<Score> distribution;  // shares, which sum to 1
  std::vector<std::unique_ptr<Node>> children;
};

enum class Missing : uint8_t { kNone, kLast, kNull, kDefault, kWeighted };

class Tree : public Evaluator {
 public:
  std::unique_ptr<Node> root;
  Missing missing = Missing::kNone;
  bool returns_last = false, classifies = false;
  double penalty = 1;
  std::vector<std::string_view> classes;

  void evaluate(Row& row, Answer& out) const override {
    if (root->predicate->test(row) != Truth::kTrue) return;
    double confidence = 1;
    if (missing == Missing::kWeighted) {
      out.scores.clear();
      weigh(*root, row, 1, out);
      if (classifies) out.choose();
      return;
    }
    if (const Node* n = leaf(row, confidence)) answer(*n, out);
  }
  std::vector<std::string_view> labels() const override { return classes; }

 private:
  const Node* leaf(Row& row, double& confidence) const {
    const Node* n = root.get();
    while (!n->children.empty()) {
      bool unknown = false;
      const Node* next = child(*n, row, unknown);
      if (next) {
        n = next;
        continue;
      }
      if (unknown && missing == Missing::kNull) return nullptr;
      if (unknown && missing == Missing::kLast) return n;
      if (unknown && missing == Missing::kDefault) {
        next = named(*n, n->default_child);
        if (!next) return nullptr;
        confidence *= penalty;
        n = next;
        continue;
      }
      return returns_last ? n : nullptr;
    }
    return n;
  }
  // The first child whose predicate is true; a strategy stops at the first that is unknown.
  const Node* child(const Node& n, Row& row, bool& unknown) const {
    for (const auto& c : n.children) {
      Truth t = c->predicate->test(row);
      if (t == Truth::kTrue) return c.get();
      if (t != Truth::kUnknown) continue;
      unknown = true;
      if (missing != Missing::kNone) return nullptr;
    }
    return nullptr;
  }
  static const Node* named(const Node& n, std::string_view id) {
    for (const auto& c : n.children)
      if (c->id == id) return c.get();
    return nullptr;
  }
  // Where the way is unknown, all children count, by their records.
  void weigh(const Node& n, Row& row, double weight, Answer& out) const {
    bool unknown = false;
    const Node* next = n.children.empty() ? nullptr : child(n, row, unknown);
    if (next) return weigh(*next, row, weight, out);
    if (!unknown) {
      for (const Score& s : n.distribution) add(out, s.label, weight * s.probability);
      return;
    }
    double all = 0;
    for (const auto& c : n.children)
      if (c->predicate->test(row) != Truth::kFalse) all += c->count;
    for (const auto& c : n.children)
      if (c->predicate->test(row) != Truth::kFalse && all > 0)
        weigh(*c, row, weight * c->count / all, out);
  }
  static void add(Answer& out, std::string_view label, double p) {
    for (Score& s : out.scores)
      if (s.label == label) {
        s.probability += p;
        return;
      }
    out.scores.push_back({label, p});
  }
  void answer(const Node& n, Answer& out) const {
    out.entity = n.id;
    out.scores = n.distribution;
    if (n.has_score)
      out.predicted = literal(n.score, classifies);
    else
      out.choose();
    if (classifies && out.scores.empty() && n.has_score) out.scores.push_back({n.score, 1});
  }
};

Status read_distribution(const Element& e, Node& n) {
  double sum = 0;
  bool given = false;
  for (const Element* d : e.all("ScoreDistribution")) {
    Score s;
    TRY(s.label, d->required("value"));
    given |= d->find("probability") != nullptr;
    TRY(s.probability,
        d->find("probability") ? d->number("probability") : d->number("recordCount"));
    sum += s.probability;
    n.distribution.push_back(s);
  }
  if (!given && sum > 0)
    for (Score& s : n.distribution) s.probability /= sum;
  return {};
}

Result<std::unique_ptr<Node>> read_node(const Element& e, const Scope& scope, int depth,
                                        std::vector<std::string_view>& classes) {
  if (depth > kMostDepth) return e.wrong("the tree is too deep");
  auto n = std::make_unique<Node>();
  n->id = e.get("id");
  n->has_score = e.find("score") != nullptr;
  n->score = e.get("score");
  n->default_child = e.get("defaultChild");
  TRY(n->count, e.number("recordCount", NAN));
  TRY(n->predicate, predicate_in(e, scope));
  TRY_STATUS(read_distribution(e, *n));
  auto know = [&](std::string_view label) {
    if (std::find(classes.begin(), classes.end(), label) == classes.end()) classes.push_back(label);
  };
  for (const Score& s : n->distribution) know(s.label);
  if (n->has_score) know(n->score);
  for (const Element* c : e.all("Node")) {
    TRY(auto child, read_node(*c, scope, depth + 1, classes));
    n->children.push_back(std::move(child));
  }
  return n;
}

bool all_counted(const Node& n) {
  return !std::isnan(n.count) && std::all_of(n.children.begin(), n.children.end(),
                                             [](const auto& c) { return all_counted(*c); });
}

}  // namespace

MadeEvaluator make_tree(const Element& e, const Scope& scope) {
  auto tree = std::make_unique<Tree>();
  tree->classifies = e.get("functionName") == "classification";
  std::string_view strategy = e.get("missingValueStrategy", "none");
  static constexpr std::pair<std::string_view, Missing> kAll[] = {
      {"none", Missing::kNone},
      {"lastPrediction", Missing::kLast},
      {"nullPrediction", Missing::kNull},
      {"defaultChild", Missing::kDefault},
      {"weightedConfidence", Missing::kWeighted}};
  bool known = false;
  for (auto [name, which] : kAll)
    if (strategy == name) {
      tree->missing = which;
      known = true;
    }
  if (!known)
    return error(Code::kUnimplemented,
                 e.wrong(str("missingValueStrategy=", strategy, " is not covered")).message);
  tree->returns_last = e.get("noTrueChildStrategy") == "returnLastPrediction";
  TRY(tree->penalty, e.number("missingValuePenalty", 1));
  TRY(const Element* root, e.required_child("Node"));
  std::vector<std::string_view> classes;
  TRY(tree->root, read_node(*root, scope, 0, classes));
  if (tree->classifies) tree->classes = std::move(classes);
  if (tree->missing == Missing::kWeighted && !all_counted(*tree->root))
    return e.wrong("weightedConfidence needs a recordCount in each node");
  return std::unique_ptr<Evaluator>(std::move(tree));
}

}  // namespace proa::pmml
