// RegressionModel: tables of coefficients, one for each class.
#include "foundation/base/strings.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct Numeric {
  size_t place;
  double coefficient, exponent;
};
struct Category {
  size_t place;
  Value value;
  double coefficient;
};
struct Term {
  std::vector<size_t> places;
  double coefficient;
};

struct TableOf {
  std::string_view category;
  double intercept = 0;
  std::vector<Numeric> numerics;
  std::vector<Category> categories;
  std::vector<Term> terms;

  double value(Row& row) const {  // NaN where a number is missing
    double y = intercept;
    for (const Numeric& n : numerics) {
      double x = row.number(n.place);
      y += n.coefficient * (n.exponent == 1 ? x : std::pow(x, n.exponent));
    }
    for (const Category& c : categories)
      if (row.get(c.place) == c.value) y += c.coefficient;
    for (const Term& t : terms) {
      double x = t.coefficient;
      for (size_t p : t.places) x *= row.number(p);
      y += x;
    }
    return y;
  }
};

class Regression : public Evaluator {
 public:
  std::vector<TableOf> tables;
  std::string_view method;
  bool classifies = false;

  void evaluate(Row& row, Answer& out) const override {
    if (!classifies) {
      double y = tables[0].value(row);
      if (!std::isnan(y))
        out.predicted =
            Value::of(method == "softmax" ? 1 / (1 + std::exp(-y)) : inverse_link(method, y));
      return;
    }
    for (const TableOf& t : tables) out.scores.push_back({t.category, t.value(row)});
    for (const Score& s : out.scores)
      if (std::isnan(s.probability)) return out.scores.clear();
    classify(out.scores);
    out.choose();
  }
  std::vector<std::string_view> labels() const override {
    std::vector<std::string_view> all;
    if (classifies)
      for (const TableOf& t : tables) all.push_back(t.category);
    return all;
  }

 private:
  void classify(std::vector<Score>& scores) const {
    if (method == "softmax" || method == "simplemax") return normalize(method, scores);
    // The last class gets what the others leave; more than two sum to 1 only so.
    double left = 1;
    bool links = method != "none" && !method.empty();
    for (size_t i = 0; i + 1 < scores.size(); ++i) {
      if (links) scores[i].probability = inverse_link(method, scores[i].probability);
      left -= scores[i].probability;
    }
    if (scores.size() == 2 || !links)
      scores.back().probability = left;
    else
      scores.back().probability = inverse_link(method, scores.back().probability);
    if (scores.size() > 2 && links) normalize("simplemax", scores);
  }
};

Result<TableOf> read_table(const Element& e, const Scope& scope) {
  TableOf t;
  t.category = e.get("targetCategory");
  TRY(t.intercept, e.number("intercept"));
  for (const Element* n : e.all("NumericPredictor")) {
    TRY(std::string_view name, n->required("name"));
    Numeric p{};
    TRY(p.place, scope.place(name, *n));
    TRY(p.coefficient, n->number("coefficient"));
    TRY(p.exponent, n->number("exponent", 1));
    t.numerics.push_back(p);
  }
  for (const Element* c : e.all("CategoricalPredictor")) {
    TRY(std::string_view name, c->required("name"));
    TRY(std::string_view value, c->required("value"));
    Category p{};
    TRY(p.place, scope.place(name, *c));
    TRY(p.coefficient, c->number("coefficient"));
    p.value = literal(value, scope.is_text(p.place));
    t.categories.push_back(p);
  }
  for (const Element* term : e.all("PredictorTerm")) {
    Term p{};
    TRY(p.coefficient, term->number("coefficient"));
    for (const Element* f : term->all("FieldRef")) {
      TRY(std::string_view name, f->required("field"));
      TRY(size_t place, scope.place(name, *f));
      p.places.push_back(place);
    }
    t.terms.push_back(std::move(p));
  }
  return t;
}

}  // namespace

MadeEvaluator make_regression(const Element& e, const Scope& scope) {
  auto r = std::make_unique<Regression>();
  r->classifies = e.get("functionName") == "classification";
  r->method = e.get("normalizationMethod", "none");
  if (r->method != "softmax" && r->method != "simplemax" && !is_link(r->method))
    return error(Code::kUnimplemented,
                 e.wrong(str("normalizationMethod=", r->method, " is not covered")).message);
  for (const Element* t : e.all("RegressionTable")) {
    TRY(TableOf table, read_table(*t, scope));
    r->tables.push_back(std::move(table));
  }
  if (r->tables.empty() || (r->classifies && r->tables.size() < 2))
    return e.wrong("it has too few RegressionTables");
  return std::unique_ptr<Evaluator>(std::move(r));
}

}  // namespace proa::pmml
