// What every kind of PMML model makes of a row. Used by the document and by models of models.
// Evaluators never change; thread-safe.
#pragma once

#include <cmath>
#include <memory>
#include <string_view>
#include <vector>

#include "models/engines/pmml/core/predicate.h"
#include "models/engines/pmml/core/row.h"

namespace proa::pmml {

struct Score {
  std::string_view label;
  double probability = 0;
};

struct Answer {
  Value predicted;                        // missing: the model says nothing
  std::vector<Score> scores;              // of a classification
  std::string_view entity;                // the node, cluster or segment
  double affinity = NAN;                  // of a cluster: the distance or similarity
  std::vector<std::string_view> reasons;  // of a scorecard, the strongest first
  void clear() {
    predicted = {};
    scores.clear();
    reasons.clear();
    entity = {};
    affinity = NAN;
  }
  // The label of the highest score becomes what is predicted.
  void choose();
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual void evaluate(Row& row, Answer& out) const = 0;
  // The classes, where it classifies.
  virtual std::vector<std::string_view> labels() const { return {}; }
};

using MadeEvaluator = Result<std::unique_ptr<Evaluator>>;

// The parts that all models have around their own: mining schema, local transformations, targets,
// outputs. Evaluating gives the answer after the targets, and sets the outputs' fields.
class Part {
 public:
  struct Output {
    enum class Kind : uint8_t {
      kPredicted,
      kProbability,
      kTransformed,
      kEntity,
      kAffinity,
      kReason
    } kind = Kind::kPredicted;
    std::string name;
    std::string_view label;  // kProbability: "" for the predicted one's
    size_t rank = 1;         // kReason
    size_t place = 0;        // in the row
    bool is_text = false;
    std::unique_ptr<Expression> expression;  // kTransformed
  };
  // `e`: a model's element.
  static Result<std::unique_ptr<Part>> make(const Element& e, const Scope& outer);
  void evaluate(Row& row, Answer& out) const;
  const std::vector<Output>& outputs() const { return outputs_; }
  const std::vector<size_t>& active() const { return active_; }  // places, in the schema's order
  const std::string& target() const { return target_; }
  bool classifies() const { return classifies_; }
  std::vector<std::string_view> labels() const { return evaluator_->labels(); }
  // Of the document's own model: fields as its schema has them treated, before all else.
  void treat(Row& row) const {
    for (const auto& [place, expression] : treated_) row.set(place, expression->evaluate(row));
  }

 private:
  Status read_schema(const Element& e, bool outermost);
  Status read_targets(const Element& e);
  Status read_outputs(const Element& e);
  Result<Output> read_output(const Element& e);
  void apply_targets(Row& row, Answer& out) const;
  Value output_value(const Output& o, Row& row, const Answer& answer) const;

  std::unique_ptr<Scope> scope_;
  std::unique_ptr<Evaluator> evaluator_;
  std::vector<Output> outputs_;
  std::vector<size_t> active_;
  std::vector<std::pair<size_t, std::unique_ptr<Expression>>> treated_;
  std::string target_;
  bool classifies_ = false;
  double factor_ = 1, constant_ = 0, least_ = -HUGE_VAL, most_ = HUGE_VAL, default_ = NAN;
  enum class Cast : uint8_t { kNone, kRound, kCeiling, kFloor } cast_ = Cast::kNone;
};

// By the kind of element; kUnimplemented for one that is not covered.
MadeEvaluator make_evaluator(const Element& e, const Scope& scope);
bool is_model(const Element& e);

MadeEvaluator make_tree(const Element& e, const Scope& scope);
MadeEvaluator make_regression(const Element& e, const Scope& scope);
MadeEvaluator make_general_regression(const Element& e, const Scope& scope);
MadeEvaluator make_scorecard(const Element& e, const Scope& scope);
MadeEvaluator make_network(const Element& e, const Scope& scope);
MadeEvaluator make_clustering(const Element& e, const Scope& scope);
MadeEvaluator make_bayes(const Element& e, const Scope& scope);
MadeEvaluator make_support_vectors(const Element& e, const Scope& scope);
MadeEvaluator make_mining(const Element& e, const Scope& scope);

// Shared by several.
void normalize(std::string_view method, std::vector<Score>& scores);  // softmax, simplemax, …
double inverse_link(std::string_view method, double x);  // logit, probit, cloglog, …; NaN: unknown
bool is_link(std::string_view method);

}  // namespace proa::pmml
