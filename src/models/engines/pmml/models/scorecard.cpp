// Scorecard: partial scores by characteristic, and the reasons behind them.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/core/expression.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct Attribute {
  std::unique_ptr<Predicate> predicate;
  std::unique_ptr<Expression> complex;
  double score = 0;
  std::string_view reason;
};
struct Characteristic {
  std::string_view reason;
  double baseline = 0;
  std::vector<Attribute> attributes;
};

class Scorecard : public Evaluator {
 public:
  double initial = 0;
  bool reasons = false, points_below = true;
  std::vector<Characteristic> characteristics;

  void evaluate(Row& row, Answer& out) const override {
    double sum = initial;
    std::vector<std::pair<double, std::string_view>> ranked;
    for (const Characteristic& c : characteristics) {
      const Attribute* a = chosen(c, row);
      if (!a) return;  // no attribute applies: no score
      double score = a->complex ? number_of(a->complex->evaluate(row)) : a->score;
      if (std::isnan(score)) return;
      sum += score;
      double points = points_below ? c.baseline - score : score - c.baseline;
      ranked.emplace_back(points, a->reason.empty() ? c.reason : a->reason);
    }
    out.predicted = Value::of(sum);
    if (!reasons) return;
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [points, reason] : ranked) out.reasons.push_back(reason);
  }

 private:
  static const Attribute* chosen(const Characteristic& c, Row& row) {
    for (const Attribute& a : c.attributes)
      if (a.predicate->test(row) == Truth::kTrue) return &a;
    return nullptr;
  }
};

Result<Attribute> read_attribute(const Element& e, const Scope& scope) {
  Attribute a;
  TRY(a.predicate, predicate_in(e, scope));
  a.reason = e.get("reasonCode");
  if (const Element* complex = e.child("ComplexPartialScore")) {
    TRY(a.complex, expression_in(*complex, scope));
  } else {
    TRY(a.score, e.number("partialScore"));
  }
  return a;
}

}  // namespace

MadeEvaluator make_scorecard(const Element& e, const Scope& scope) {
  auto card = std::make_unique<Scorecard>();
  TRY(card->initial, e.number("initialScore", 0));
  card->reasons = e.get("useReasonCodes", "true") == "true";
  card->points_below = e.get("reasonCodeAlgorithm", "pointsBelow") == "pointsBelow";
  TRY(double baseline, e.number("baselineScore", 0));
  TRY(const Element* all, e.required_child("Characteristics"));
  for (const Element* c : all->all("Characteristic")) {
    Characteristic made;
    made.reason = c->get("reasonCode");
    TRY(made.baseline, c->number("baselineScore", baseline));
    for (const Element* a : c->all("Attribute")) {
      TRY(Attribute attribute, read_attribute(*a, scope));
      made.attributes.push_back(std::move(attribute));
    }
    card->characteristics.push_back(std::move(made));
  }
  return std::unique_ptr<Evaluator>(std::move(card));
}

}  // namespace proa::pmml
