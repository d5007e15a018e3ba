// GeneralRegressionModel: parameters over factors and covariates, with a link function.
#include <algorithm>
#include <map>

#include "foundation/base/strings.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct Piece {  // of a parameter: a power of a covariate, or a category of a factor
  size_t place;
  bool is_factor;
  double exponent;
  Value category;
};
struct Coefficient {
  std::string_view parameter, category;
  double beta;
};

class GeneralRegression : public Evaluator {
 public:
  std::string_view type, link, cumulative;
  double link_parameter = NAN, distribution_parameter = NAN, offset = 0, trials = 1;
  size_t offset_place = SIZE_MAX, trials_place = SIZE_MAX;
  bool classifies = false;
  std::map<std::string_view, std::vector<Piece>> parameters;
  std::vector<Coefficient> coefficients;
  std::vector<std::string_view> classes;
  std::string_view reference;

  std::vector<std::string_view> labels() const override { return classes; }
  void evaluate(Row& row, Answer& out) const override {
    std::map<std::string_view, double> x;
    for (const auto& [name, parts] : parameters) {
      double v = value(parts, row);
      if (std::isnan(v)) return;
      x[name] = v;
    }
    double shift = offset_place == SIZE_MAX ? offset : row.number(offset_place);
    if (std::isnan(shift)) return;
    if (type == "multinomialLogistic") return multinomial(x, out);
    if (type == "ordinalMultinomial") return ordinal(x, out);
    double eta = shift;
    for (const Coefficient& c : coefficients) eta += c.beta * x.at(c.parameter);
    double y = unlink(eta);
    if (trials_place != SIZE_MAX)
      y *= row.number(trials_place);
    else
      y *= trials;
    if (!classifies) {
      out.predicted = Value::of(y);
      return;
    }
    binary(y, out);
  }

 private:
  static double value(const std::vector<Piece>& parts, Row& row) {
    double v = 1;
    for (const Piece& p : parts) {
      const Value& x = row.get(p.place);
      if (x.missing()) return NAN;
      v *= p.is_factor ? (x == p.category ? 1 : 0) : std::pow(number_of(x), p.exponent);
    }
    return v;
  }
  double unlink(double eta) const {
    if (type == "regression" || type == "generalLinear") return eta;
    if (link == "negbin") return 1 / (distribution_parameter * (std::exp(-eta) - 1));
    if (link == "oddspower")
      return link_parameter == 0
                 ? 1 / (1 + std::exp(-eta))
                 : 1 / (1 + std::pow(1 + link_parameter * eta, -1 / link_parameter));
    if (link == "power")
      return link_parameter == 0 ? std::exp(eta) : std::pow(eta, 1 / link_parameter);
    return inverse_link(link, eta);
  }
  // Of two classes: the coefficients are those of the one that is not the reference.
  void binary(double p, Answer& out) const {
    for (std::string_view c : classes) out.scores.push_back({c, c == reference ? 1 - p : p});
    out.choose();
  }
  double sum(const std::map<std::string_view, double>& x, std::string_view category) const {
    double eta = offset;
    for (const Coefficient& c : coefficients)
      if (c.category == category || c.category.empty()) eta += c.beta * x.at(c.parameter);
    return eta;
  }
  void multinomial(const std::map<std::string_view, double>& x, Answer& out) const {
    for (std::string_view c : classes) out.scores.push_back({c, c == reference ? 0 : sum(x, c)});
    normalize("softmax", out.scores);
    out.choose();
  }
  void ordinal(const std::map<std::string_view, double>& x, Answer& out) const {
    double before = 0;
    for (std::string_view c : classes) {
      double up_to = c == classes.back() ? 1 : inverse_link(cumulative, sum(x, c));
      out.scores.push_back({c, up_to - before});
      before = up_to;
    }
    out.choose();
  }
};

Status read_parameters(const Element& e, const Scope& scope, GeneralRegression& g) {
  TRY(const Element* list, e.required_child("ParameterList"));
  for (const Element* p : list->all("Parameter")) {
    TRY(std::string_view name, p->required("name"));
    g.parameters[name];
  }
  std::vector<std::string_view> factors;
  if (const Element* all = e.child("FactorList"))
    for (const Element* f : all->all("Predictor")) factors.push_back(f->get("name"));
  const Element* matrix = e.child("PPMatrix");
  if (!matrix) return {};
  for (const Element* cell : matrix->all("PPCell")) {
    if (!cell->get("targetCategory").empty())
      return error(Code::kUnimplemented, cell->wrong("cells of one class are not covered").message);
    TRY(std::string_view parameter, cell->required("parameterName"));
    TRY(std::string_view predictor, cell->required("predictorName"));
    Piece part{};
    TRY(part.place, scope.place(predictor, *cell));
    part.is_factor = std::find(factors.begin(), factors.end(), predictor) != factors.end();
    if (part.is_factor) {
      part.category = literal(cell->get("value"), scope.is_text(part.place));
    } else {
      TRY(part.exponent, cell->number("value"));
    }
    auto at = g.parameters.find(parameter);
    if (at == g.parameters.end()) return cell->wrong("the parameter is not known");
    at->second.push_back(part);
  }
  return {};
}

Status read_coefficients(const Element& e, GeneralRegression& g) {
  TRY(const Element* matrix, e.required_child("ParamMatrix"));
  for (const Element* cell : matrix->all("PCell")) {
    Coefficient c{};
    TRY(c.parameter, cell->required("parameterName"));
    TRY(c.beta, cell->number("beta"));
    c.category = cell->get("targetCategory");
    if (!g.parameters.contains(c.parameter)) return cell->wrong("the parameter is not known");
    if (!c.category.empty() &&
        std::find(g.classes.begin(), g.classes.end(), c.category) == g.classes.end())
      g.classes.push_back(c.category);
    g.coefficients.push_back(c);
  }
  return {};
}

Status read_places(const Element& e, const Scope& scope, GeneralRegression& g) {
  TRY(g.link_parameter, e.number("linkParameter", NAN));
  TRY(g.distribution_parameter, e.number("distParameter", NAN));
  TRY(g.offset, e.number("offsetValue", 0));
  TRY(g.trials, e.number("trialsValue", 1));
  if (const std::string* name = e.find("offsetVariable")) {
    TRY(g.offset_place, scope.place(*name, e));
  }
  if (const std::string* name = e.find("trialsVariable")) {
    TRY(g.trials_place, scope.place(*name, e));
  }
  return {};
}

// The classes in the order of the data dictionary, where it lists them.
Status order_classes(const Element& e, GeneralRegression& g) {
  g.reference = e.get("targetReferenceCategory");
  if (g.type == "ordinalMultinomial") {
    if (g.reference.empty()) return e.wrong("targetReferenceCategory is missing");
    std::erase(g.classes, g.reference);
    g.classes.push_back(g.reference);
    return {};
  }
  if (!g.reference.empty() &&
      std::find(g.classes.begin(), g.classes.end(), g.reference) == g.classes.end())
    g.classes.push_back(g.reference);
  return g.classes.size() < 2 ? Status{e.wrong("it has fewer than two classes")} : Status{};
}

}  // namespace

MadeEvaluator make_general_regression(const Element& e, const Scope& scope) {
  auto g = std::make_unique<GeneralRegression>();
  TRY(g->type, e.required("modelType"));
  static constexpr std::string_view kTypes[] = {"regression", "generalLinear", "generalizedLinear",
                                                "multinomialLogistic", "ordinalMultinomial"};
  if (std::find(std::begin(kTypes), std::end(kTypes), g->type) == std::end(kTypes))
    return error(Code::kUnimplemented,
                 e.wrong(str("modelType=", g->type, " is not covered")).message);
  g->classifies = e.get("functionName") == "classification";
  g->link = e.get("linkFunction", "identity");
  g->cumulative = e.get("cumulativeLink", "logit");
  static constexpr std::string_view kOwn[] = {"negbin", "oddspower", "power"};
  bool own = std::find(std::begin(kOwn), std::end(kOwn), g->link) != std::end(kOwn);
  if (g->type == "generalizedLinear" && !own && !is_link(g->link))
    return error(Code::kUnimplemented,
                 e.wrong(str("linkFunction=", g->link, " is not covered")).message);
  TRY_STATUS(read_places(e, scope, *g));
  TRY_STATUS(read_parameters(e, scope, *g));
  TRY_STATUS(read_coefficients(e, *g));
  if (g->classifies) TRY_STATUS(order_classes(e, *g));
  return std::unique_ptr<Evaluator>(std::move(g));
}

}  // namespace proa::pmml
