// NaiveBayesModel: counts of pairs, and Gaussians of numbers.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/core/expression.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct Gaussian {
  double mean = 0, variance = 0;
};
struct Pairs {
  Value value;
  std::vector<double> counts;  // by class
};
struct Input {
  size_t place = 0;
  std::unique_ptr<Expression> discretized;
  std::vector<Pairs> pairs;
  std::vector<double> totals;       // of the pairs, by class
  std::vector<Gaussian> gaussians;  // by class; else pairs
};

class Bayes : public Evaluator {
 public:
  double threshold = 0;
  std::vector<std::string_view> classes;
  std::vector<double> counts;
  std::vector<Input> inputs;

  std::vector<std::string_view> labels() const override { return classes; }
  void evaluate(Row& row, Answer& out) const override {
    std::vector<double> logs(classes.size());
    for (size_t c = 0; c < classes.size(); ++c) logs[c] = std::log(counts[c]);
    for (const Input& i : inputs) weigh(i, row, logs);
    double most = *std::max_element(logs.begin(), logs.end());
    if (!std::isfinite(most)) return;
    for (size_t c = 0; c < classes.size(); ++c)
      out.scores.push_back({classes[c], std::exp(logs[c] - most)});
    normalize("simplemax", out.scores);
    out.choose();
  }

 private:
  void weigh(const Input& i, Row& row, std::vector<double>& logs) const {
    Value v = i.discretized ? i.discretized->evaluate(row) : row.get(i.place);
    if (v.missing()) return;
    if (!i.gaussians.empty()) {
      double x = number_of(v);
      for (size_t c = 0; c < logs.size(); ++c) {
        const Gaussian& g = i.gaussians[c];
        double d = x - g.mean;
        double p = std::exp(-d * d / (2 * g.variance)) / std::sqrt(2 * M_PI * g.variance);
        logs[c] += std::log(std::max(p, threshold));
      }
      return;
    }
    for (const Pairs& p : i.pairs) {
      if (!(p.value == v)) continue;
      for (size_t c = 0; c < logs.size(); ++c) {
        double share = i.totals[c] == 0 ? 0 : p.counts[c] / i.totals[c];
        logs[c] += std::log(share == 0 ? threshold : share);
      }
      return;
    }
  }
};

// A number for each class, of children with "value".
Status by_class(const Element& e, std::string_view child, std::string_view attribute,
                const std::vector<std::string_view>& classes, std::vector<double>& out) {
  out.assign(classes.size(), 0);
  for (const Element* c : e.all(child)) {
    TRY(std::string_view label, c->required("value"));
    auto at = std::find(classes.begin(), classes.end(), label);
    if (at == classes.end()) return c->wrong(str("the target has no value '", label, "'"));
    TRY(out[static_cast<size_t>(at - classes.begin())], c->number(attribute));
  }
  return {};
}

Status read_gaussians(const Element& stats, const Bayes& b, Input& input) {
  input.gaussians.resize(b.classes.size());
  for (const Element* s : stats.all("TargetValueStat")) {
    TRY(std::string_view label, s->required("value"));
    auto at = std::find(b.classes.begin(), b.classes.end(), label);
    if (at == b.classes.end()) return s->wrong(str("the target has no value '", label, "'"));
    const Element* g = s->child("GaussianDistribution");
    if (!g)
      return error(Code::kUnimplemented, s->wrong("only GaussianDistribution is covered").message);
    Gaussian& made = input.gaussians[static_cast<size_t>(at - b.classes.begin())];
    TRY(made.mean, g->number("mean"));
    TRY(made.variance, g->number("variance"));
    if (!(made.variance > 0)) return g->wrong("its variance is not positive");
  }
  for (const Gaussian& g : input.gaussians)
    if (g.variance == 0) return stats.wrong("a value of the target has no distribution");
  return {};
}

Result<Input> read_input(const Element& e, const Scope& scope, const Bayes& b) {
  Input input;
  TRY(std::string_view name, e.required("fieldName"));
  TRY(input.place, scope.place(name, e));
  if (const Element* stats = e.child("TargetValueStats")) {
    TRY_STATUS(read_gaussians(*stats, b, input));
    return input;
  }
  const Element* derived = e.child("DerivedField");
  if (derived) {
    TRY(input.discretized, expression_in(*derived, scope));
  }
  bool is_text =
      derived ? is_text_type(derived->get("dataType", "string")) : scope.is_text(input.place);
  input.totals.assign(b.classes.size(), 0);
  for (const Element* p : e.all("PairCounts")) {
    Pairs pairs;
    TRY(std::string_view value, p->required("value"));
    pairs.value = literal(value, is_text);
    TRY(const Element* counts, p->required_child("TargetValueCounts"));
    TRY_STATUS(by_class(*counts, "TargetValueCount", "count", b.classes, pairs.counts));
    for (size_t c = 0; c < input.totals.size(); ++c) input.totals[c] += pairs.counts[c];
    input.pairs.push_back(std::move(pairs));
  }
  return input;
}

}  // namespace

MadeEvaluator make_bayes(const Element& e, const Scope& scope) {
  auto b = std::make_unique<Bayes>();
  TRY(b->threshold, e.number("threshold"));
  TRY(const Element* output, e.required_child("BayesOutput"));
  TRY(const Element* counts, output->required_child("TargetValueCounts"));
  for (const Element* c : counts->all("TargetValueCount")) {
    TRY(std::string_view label, c->required("value"));
    b->classes.push_back(label);
  }
  if (b->classes.empty()) return counts->wrong("it is empty");
  TRY_STATUS(by_class(*counts, "TargetValueCount", "count", b->classes, b->counts));
  TRY(const Element* inputs, e.required_child("BayesInputs"));
  for (const Element* i : inputs->all("BayesInput")) {
    TRY(Input input, read_input(*i, scope, *b));
    b->inputs.push_back(std::move(input));
  }
  return std::unique_ptr<Evaluator>(std::move(b));
}

}  // namespace proa::pmml
