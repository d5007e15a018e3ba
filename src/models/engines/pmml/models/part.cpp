// What all models have around their own: mining schema, local transformations, targets, outputs.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/core/expression.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

// A field as a model's mining schema has it treated.
class Treated : public Expression {
 public:
  size_t place = 0;
  Value if_missing;
  double low = -HUGE_VAL, high = HUGE_VAL;
  bool clamps = false, drops = false;

  Value evaluate(Row& row) const override {
    Value v = row.get(place);
    if (v.is_number() && (v.number < low || v.number > high)) {
      if (clamps) v.number = v.number < low ? low : high;
      if (drops) v = {};
    }
    return v.missing() ? if_missing : v;
  }
};

Result<std::unique_ptr<Treated>> treatment(const Element& e, size_t place, bool is_text) {
  auto t = std::make_unique<Treated>();
  t->place = place;
  if (const std::string* text = e.find("missingValueReplacement"))
    t->if_missing = literal(*text, is_text);
  std::string_view outliers = e.get("outliers");
  t->clamps = outliers == "asExtremeValues";
  t->drops = outliers == "asMissingValues";
  if (t->clamps || t->drops) {
    TRY(t->low, e.number("lowValue", -HUGE_VAL));
    TRY(t->high, e.number("highValue", HUGE_VAL));
  }
  if (t->if_missing.missing() && !t->clamps && !t->drops) t.reset();
  return t;
}

}  // namespace

Status Part::read_schema(const Element& e, bool outermost) {
  TRY(const Element* schema, e.required_child("MiningSchema"));
  for (const Element* f : schema->all("MiningField")) {
    TRY(std::string_view name, f->required("name"));
    std::string_view usage = f->get("usageType", "active");
    if (usage == "target" || usage == "predicted") {
      if (target_.empty()) target_ = name;
      continue;
    }
    if (usage != "active") continue;
    TRY(size_t place, scope_->place(name, *f));
    active_.push_back(place);
    bool is_text = scope_->is_text(place);
    TRY(auto treated, treatment(*f, place, is_text));
    if (treated && outermost)
      treated_.emplace_back(place, std::move(treated));
    else if (treated)
      scope_->set(name, scope_->fields().add(name, is_text, std::move(treated)));
  }
  return {};
}

Status Part::read_targets(const Element& e) {
  const Element* targets = e.child("Targets");
  const Element* t = targets ? targets->child("Target") : nullptr;
  if (!t) return {};
  TRY(factor_, t->number("rescaleFactor", 1));
  TRY(constant_, t->number("rescaleConstant", 0));
  TRY(least_, t->number("min", -HUGE_VAL));
  TRY(most_, t->number("max", HUGE_VAL));
  std::string_view cast = t->get("castInteger");
  cast_ = cast == "round"     ? Cast::kRound
          : cast == "ceiling" ? Cast::kCeiling
          : cast == "floor"   ? Cast::kFloor
                              : Cast::kNone;
  if (const Element* value = t->child("TargetValue")) {
    TRY(default_, value->number("defaultValue", NAN));
  }
  return {};
}

Result<Part::Output> Part::read_output(const Element& e) {
  Output o;
  TRY(o.name, e.required("name"));
  std::string_view feature = e.get("feature", "predictedValue");
  o.label = e.get("value");
  TRY(double rank, e.number("rank", 1));
  o.rank = rank >= 1 && rank < 1000 ? static_cast<size_t>(rank) : 1;
  static constexpr std::pair<std::string_view, Output::Kind> kAll[] = {
      {"predictedValue", Output::Kind::kPredicted},
      {"predictedDisplayValue", Output::Kind::kPredicted},
      {"probability", Output::Kind::kProbability},
      {"confidence", Output::Kind::kProbability},
      {"transformedValue", Output::Kind::kTransformed},
      {"decision", Output::Kind::kTransformed},
      {"entityId", Output::Kind::kEntity},
      {"clusterId", Output::Kind::kEntity},
      {"affinity", Output::Kind::kAffinity},
      {"entityAffinity", Output::Kind::kAffinity},
      {"clusterAffinity", Output::Kind::kAffinity},
      {"reasonCode", Output::Kind::kReason}};
  bool known = false;
  for (auto [name, kind] : kAll)
    if (feature == name) {
      o.kind = kind;
      known = true;
    }
  if (!known)
    return error(Code::kUnimplemented,
                 e.wrong(str("the feature ", shorten(feature, 40), " is not covered")).message);
  if (!e.get("segmentId").empty())
    return error(Code::kUnimplemented, e.wrong("outputs of segments are not covered").message);
  bool text_kind = o.kind == Output::Kind::kEntity || o.kind == Output::Kind::kReason ||
                   (o.kind == Output::Kind::kPredicted && classifies_);
  o.is_text = e.find("dataType") ? is_text_type(e.get("dataType")) : text_kind;
  if (o.kind == Output::Kind::kTransformed) {
    TRY(o.expression, expression_in(e, *scope_));
  }
  o.place = scope_->fields().add(o.name, o.is_text);
  scope_->set(o.name, o.place);
  return o;
}

Status Part::read_outputs(const Element& e) {
  const Element* output = e.child("Output");
  if (!output) return {};
  for (const Element* f : output->all("OutputField")) {
    TRY(Output o, read_output(*f));
    outputs_.push_back(std::move(o));
  }
  return {};
}

Result<std::unique_ptr<Part>> Part::make(const Element& e, const Scope& outer) {
  auto p = std::make_unique<Part>();
  p->scope_ = std::make_unique<Scope>(outer.fields(), &outer);
  p->classifies_ = e.get("functionName") == "classification";
  if (e.get("isScorable") == "false") return e.wrong("it says that it cannot be scored");
  TRY_STATUS(p->read_schema(e, outer.is_outermost()));
  if (const Element* local = e.child("LocalTransformations"))
    TRY_STATUS(add_derived_fields(*local, *p->scope_));
  TRY(p->evaluator_, make_evaluator(e, *p->scope_));
  TRY_STATUS(p->read_targets(e));
  TRY_STATUS(p->read_outputs(e));
  return p;
}

void Part::apply_targets(Row&, Answer& out) const {
  if (classifies_) return;
  if (out.predicted.missing() && !std::isnan(default_)) out.predicted = Value::of(default_);
  if (!out.predicted.is_number()) return;
  double& v = out.predicted.number;
  v = std::clamp(v, least_, most_) * factor_ + constant_;
  if (cast_ == Cast::kRound) v = std::floor(v + 0.5);
  if (cast_ == Cast::kCeiling) v = std::ceil(v);
  if (cast_ == Cast::kFloor) v = std::floor(v);
}

Value Part::output_value(const Output& o, Row& row, const Answer& a) const {
  switch (o.kind) {
    case Output::Kind::kPredicted:
      return a.predicted;
    case Output::Kind::kProbability: {
      std::string label = o.label.empty() ? text_of(a.predicted) : std::string(o.label);
      for (const Score& s : a.scores)
        if (s.label == label) return Value::of(s.probability);
      return a.scores.empty() ? Value{} : Value::of(0.0);
    }
    case Output::Kind::kTransformed:
      return o.expression->evaluate(row);
    case Output::Kind::kEntity:
      return a.entity.empty() ? Value{} : Value::of(a.entity);
    case Output::Kind::kAffinity:
      return std::isnan(a.affinity) ? Value{} : Value::of(a.affinity);
    case Output::Kind::kReason:
      return o.rank <= a.reasons.size() ? Value::of(a.reasons[o.rank - 1]) : Value{};
  }
  return {};
}

void Part::evaluate(Row& row, Answer& out) const {
  out.clear();
  evaluator_->evaluate(row, out);
  apply_targets(row, out);
  for (const Output& o : outputs_) {
    Value v = output_value(o, row, out);
    if (!v.missing() && o.is_text && v.is_number()) v = Value::of(row.work().keep(text_of(v)));
    if (!v.missing() && !o.is_text) {
      double n = number_of(v);
      if (!std::isnan(n)) v = Value::of(n);
    }
    row.set(o.place, v);
  }
}

}  // namespace proa::pmml
