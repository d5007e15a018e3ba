#include "models/engines/pmml/models/evaluator.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::pmml {
namespace {

constexpr std::pair<std::string_view, MadeEvaluator (*)(const Element&, const Scope&)> kModels[] = {
    {"TreeModel", make_tree},
    {"RegressionModel", make_regression},
    {"GeneralRegressionModel", make_general_regression},
    {"Scorecard", make_scorecard},
    {"NeuralNetwork", make_network},
    {"ClusteringModel", make_clustering},
    {"NaiveBayesModel", make_bayes},
    {"SupportVectorMachineModel", make_support_vectors},
    {"MiningModel", make_mining},
};
constexpr std::string_view kOthers[] = {
    "AssociationModel",     "AnomalyDetectionModel", "BayesianNetworkModel", "GaussianProcessModel",
    "NearestNeighborModel", "RuleSetModel",          "SequenceModel",        "TextModel",
    "TimeSeriesModel",      "BaselineModel"};

// A standard normal's quantile's inverse is its distribution.
double normal(double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); }

}  // namespace

void Answer::choose() {
  const Score* best = nullptr;
  for (const Score& s : scores)
    if (!best || s.probability > best->probability) best = &s;
  if (best) predicted = Value::of(best->label);
}

bool is_model(const Element& e) {
  for (const auto& [name, make] : kModels)
    if (e.is(name)) return true;
  return std::find(std::begin(kOthers), std::end(kOthers), e.name) != std::end(kOthers);
}

MadeEvaluator make_evaluator(const Element& e, const Scope& scope) {
  for (const auto& [name, make] : kModels)
    if (e.is(name)) return make(e, scope);
  return error(Code::kUnimplemented, e.wrong("this kind of model is not covered").message);
}

bool is_link(std::string_view m) { return !std::isnan(inverse_link(m, 0.25)); }

double inverse_link(std::string_view m, double x) {
  if (m == "none" || m == "identity" || m.empty()) return x;
  if (m == "logit" || m == "logistic") return 1 / (1 + std::exp(-x));
  if (m == "probit") return normal(x);
  if (m == "cloglog") return 1 - std::exp(-std::exp(x));
  if (m == "loglog") return std::exp(-std::exp(-x));
  if (m == "exp" || m == "log") return std::exp(x);
  if (m == "logc") return 1 - std::exp(x);
  if (m == "cauchit") return 0.5 + std::atan(x) / M_PI;
  return NAN;
}

void normalize(std::string_view method, std::vector<Score>& scores) {
  bool soft = method == "softmax";
  if (!soft && method != "simplemax") return;
  double most = -HUGE_VAL, sum = 0;
  for (const Score& s : scores) most = std::max(most, s.probability);
  for (Score& s : scores) {
    if (soft) s.probability = std::exp(s.probability - most);
    sum += s.probability;
  }
  if (sum != 0)
    for (Score& s : scores) s.probability /= sum;
}

}  // namespace proa::pmml
