#include "models/engines/pmml/core/predicate.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::pmml {
namespace {

using Made = Result<std::unique_ptr<Predicate>>;

Truth truth(bool b) { return b ? Truth::kTrue : Truth::kFalse; }

class Fixed : public Predicate {
 public:
  explicit Fixed(Truth t) : truth_(t) {}
  Truth test(Row&) const override { return truth_; }

 private:
  Truth truth_;
};

enum class Operator : uint8_t { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

class Simple : public Predicate {
 public:
  Simple(size_t place, Operator op, Value value) : place_(place), operator_(op), value_(value) {}
  Truth test(Row& row) const override {
    const Value& v = row.get(place_);
    if (v.missing()) return Truth::kUnknown;
    if (operator_ == Operator::kEqual) return truth(v == value_);
    if (operator_ == Operator::kNotEqual) return truth(!(v == value_));
    double a = number_of(v), b = value_.number;
    if (std::isnan(a)) return Truth::kUnknown;
    switch (operator_) {
      case Operator::kLess:
        return truth(a < b);
      case Operator::kLessOrEqual:
        return truth(a <= b);
      case Operator::kGreater:
        return truth(a > b);
      default:
        return truth(a >= b);
    }
  }

 private:
  size_t place_;
  Operator operator_;
  Value value_;
};

class Missing : public Predicate {
 public:
  Missing(size_t place, bool wanted) : place_(place), wanted_(wanted) {}
  Truth test(Row& row) const override { return truth(row.get(place_).missing() == wanted_); }

 private:
  size_t place_;
  bool wanted_;
};

class Set : public Predicate {
 public:
  Set(size_t place, bool in, bool is_text, std::vector<std::string> texts)
      : place_(place), in_(in), texts_(std::move(texts)) {
    for (const std::string& t : texts_) values_.push_back(literal(t, is_text));
  }
  Truth test(Row& row) const override {
    const Value& v = row.get(place_);
    if (v.missing()) return Truth::kUnknown;
    bool found = std::find(values_.begin(), values_.end(), v) != values_.end();
    return truth(found == in_);
  }

 private:
  size_t place_;
  bool in_;
  std::vector<std::string> texts_;
  std::vector<Value> values_;
};

class Compound : public Predicate {
 public:
  enum class Kind : uint8_t { kAnd, kOr, kXor, kSurrogate };
  Compound(Kind kind, std::vector<std::unique_ptr<Predicate>> parts)
      : kind_(kind), parts_(std::move(parts)) {}
  Truth test(Row& row) const override {
    bool unknown = false, odd = false;
    for (const auto& p : parts_) {
      Truth t = p->test(row);
      if (kind_ == Kind::kSurrogate && t != Truth::kUnknown) return t;
      if (kind_ == Kind::kAnd && t == Truth::kFalse) return t;
      if (kind_ == Kind::kOr && t == Truth::kTrue) return t;
      unknown |= t == Truth::kUnknown;
      odd ^= t == Truth::kTrue;
    }
    if (unknown || kind_ == Kind::kSurrogate) return Truth::kUnknown;
    return truth(kind_ == Kind::kXor ? odd : kind_ == Kind::kAnd);
  }

 private:
  Kind kind_;
  std::vector<std::unique_ptr<Predicate>> parts_;
};

Made make(const Element& e, const Scope& scope);

Made make_simple(const Element& e, const Scope& scope) {
  TRY(std::string_view name, e.required("field"));
  TRY(size_t place, scope.place(name, e));
  TRY(std::string_view op, e.required("operator"));
  if (op == "isMissing" || op == "isNotMissing")
    return std::unique_ptr<Predicate>(std::make_unique<Missing>(place, op == "isMissing"));
  static constexpr std::pair<std::string_view, Operator> kAll[] = {
      {"equal", Operator::kEqual},         {"notEqual", Operator::kNotEqual},
      {"lessThan", Operator::kLess},       {"lessOrEqual", Operator::kLessOrEqual},
      {"greaterThan", Operator::kGreater}, {"greaterOrEqual", Operator::kGreaterOrEqual}};
  for (auto [known, which] : kAll) {
    if (op != known) continue;
    TRY(std::string_view text, e.required("value"));
    Value value = literal(text, scope.is_text(place));
    if (which >= Operator::kLess) {
      value = Value::of(number_of(value));
      if (std::isnan(value.number)) return e.wrong("it compares with what is no number");
    }
    return std::unique_ptr<Predicate>(std::make_unique<Simple>(place, which, value));
  }
  return e.wrong(str("the operator ", shorten(op, 40), " is not known"));
}

Made make_set(const Element& e, const Scope& scope) {
  TRY(std::string_view name, e.required("field"));
  TRY(size_t place, scope.place(name, e));
  TRY(std::string_view op, e.required("booleanOperator"));
  TRY(const Element* array, e.required_child("Array"));
  if (op != "isIn" && op != "isNotIn") return e.wrong("booleanOperator is isIn or isNotIn");
  return std::unique_ptr<Predicate>(
      std::make_unique<Set>(place, op == "isIn", scope.is_text(place), array_words(array->text)));
}

Made make_compound(const Element& e, const Scope& scope) {
  TRY(std::string_view op, e.required("booleanOperator"));
  static constexpr std::pair<std::string_view, Compound::Kind> kAll[] = {
      {"and", Compound::Kind::kAnd},
      {"or", Compound::Kind::kOr},
      {"xor", Compound::Kind::kXor},
      {"surrogate", Compound::Kind::kSurrogate}};
  std::vector<std::unique_ptr<Predicate>> parts;
  for (const auto& c : e.children) {
    if (c->is("Extension")) continue;
    TRY(auto part, make(*c, scope));
    parts.push_back(std::move(part));
  }
  for (auto [known, kind] : kAll)
    if (op == known)
      return std::unique_ptr<Predicate>(std::make_unique<Compound>(kind, std::move(parts)));
  return e.wrong("booleanOperator is and, or, xor or surrogate");
}

bool is_predicate(const Element& e) {
  return e.is("SimplePredicate") || e.is("SimpleSetPredicate") || e.is("CompoundPredicate") ||
         e.is("True") || e.is("False");
}

Made make(const Element& e, const Scope& scope) {
  if (e.is("SimplePredicate")) return make_simple(e, scope);
  if (e.is("SimpleSetPredicate")) return make_set(e, scope);
  if (e.is("CompoundPredicate")) return make_compound(e, scope);
  if (e.is("True")) return std::unique_ptr<Predicate>(std::make_unique<Fixed>(Truth::kTrue));
  if (e.is("False")) return std::unique_ptr<Predicate>(std::make_unique<Fixed>(Truth::kFalse));
  return e.wrong("it is no predicate");
}

}  // namespace

Result<std::unique_ptr<Predicate>> predicate_in(const Element& parent, const Scope& scope) {
  for (const auto& c : parent.children)
    if (is_predicate(*c)) return make(*c, scope);
  return parent.wrong("its predicate is missing");
}

}  // namespace proa::pmml
