#include "models/engines/pmml/core/expression.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/pmml/core/functions.h"

namespace proa::pmml {
namespace {

using Made = Result<std::unique_ptr<Expression>>;

class Constant : public Expression {
 public:
  explicit Constant(Value v) : value_(v) {}
  Value evaluate(Row&) const override { return value_; }

 private:
  Value value_;
};

class Reference : public Expression {
 public:
  Reference(size_t place, Value if_missing) : place_(place), if_missing_(if_missing) {}
  Value evaluate(Row& row) const override {
    const Value& v = row.get(place_);
    return v.missing() ? if_missing_ : v;
  }

 private:
  size_t place_;
  Value if_missing_;
};

class NormContinuous : public Expression {
 public:
  NormContinuous(size_t place, Curve curve) : place_(place), curve_(std::move(curve)) {}
  Value evaluate(Row& row) const override {
    double x = row.number(place_);
    return std::isnan(x) ? curve_.of_missing() : curve_.map(x);
  }

 private:
  size_t place_;
  Curve curve_;
};

class NormDiscrete : public Expression {
 public:
  NormDiscrete(size_t place, Value value, Value if_missing)
      : place_(place), value_(value), if_missing_(if_missing) {}
  Value evaluate(Row& row) const override {
    const Value& v = row.get(place_);
    return v.missing() ? if_missing_ : Value::of(v == value_ ? 1.0 : 0.0);
  }

 private:
  size_t place_;
  Value value_, if_missing_;
};

struct Bin {
  double from = -HUGE_VAL, to = HUGE_VAL;
  bool from_open = false, to_open = false;
  Value value;
};

class Discretize : public Expression {
 public:
  Discretize(size_t place, std::vector<Bin> bins, Value other, Value if_missing)
      : place_(place), bins_(std::move(bins)), other_(other), if_missing_(if_missing) {}
  Value evaluate(Row& row) const override {
    double x = row.number(place_);
    if (std::isnan(x)) return if_missing_;
    for (const Bin& b : bins_)
      if ((b.from_open ? x > b.from : x >= b.from) && (b.to_open ? x < b.to : x <= b.to))
        return b.value;
    return other_;
  }

 private:
  size_t place_;
  std::vector<Bin> bins_;
  Value other_, if_missing_;
};

class MapValues : public Expression {
 public:
  struct Entry {
    std::vector<Value> keys;
    Value value;
  };
  MapValues(std::vector<size_t> places, std::vector<Entry> entries, Value other, Value if_missing)
      : places_(std::move(places)),
        entries_(std::move(entries)),
        other_(other),
        if_missing_(if_missing) {}
  Value evaluate(Row& row) const override {
    for (size_t p : places_)
      if (row.get(p).missing()) return if_missing_;
    for (const Entry& e : entries_) {
      bool same = true;
      for (size_t i = 0; same && i < places_.size(); ++i) same = row.get(places_[i]) == e.keys[i];
      if (same) return e.value;
    }
    return other_;
  }

 private:
  std::vector<size_t> places_;
  std::vector<Entry> entries_;
  Value other_, if_missing_;
};

class Apply : public Expression {
 public:
  Apply(const BuiltIn& function, std::vector<std::unique_ptr<Expression>> arguments,
        Value if_missing, Value other)
      : function_(function),
        arguments_(std::move(arguments)),
        if_missing_(if_missing),
        other_(other) {}
  Value evaluate(Row& row) const override {
    auto values = row.work().take<Value>(arguments_.size());
    for (size_t i = 0; i < arguments_.size(); ++i) {
      values[i] = arguments_[i]->evaluate(row);
      if (values[i].missing() && !function_.takes_missing) return if_missing_;
    }
    Value v = function_.function(values, row);
    return v.missing() ? other_ : v;
  }

 private:
  const BuiltIn& function_;
  std::vector<std::unique_ptr<Expression>> arguments_;
  Value if_missing_, other_;
};

Made make(const Element& e, const Scope& scope);

Value optional_literal(const Element& e, std::string_view attribute, bool is_text) {
  const std::string* text = e.find(attribute);
  return text ? literal(*text, is_text) : Value{};
}

Result<size_t> place_of(const Element& e, const Scope& scope) {
  TRY(std::string_view name, e.required("field"));
  return scope.place(name, e);
}

Made make_constant(const Element& e) {
  if (e.get("missing") == "true")
    return std::unique_ptr<Expression>(std::make_unique<Constant>(Value{}));
  std::string_view type = e.get("dataType");
  bool is_text = type.empty() ? std::isnan(number_of(Value::of(e.text))) : is_text_type(type);
  return std::unique_ptr<Expression>(std::make_unique<Constant>(literal(e.text, is_text)));
}

Made make_discretize(const Element& e, const Scope& scope) {
  TRY(size_t place, place_of(e, scope));
  bool is_text = is_text_type(e.get("dataType", "string"));
  std::vector<Bin> bins;
  for (const Element* b : e.all("DiscretizeBin")) {
    Bin bin;
    TRY(std::string_view value, b->required("binValue"));
    TRY(const Element* interval, b->required_child("Interval"));
    TRY(bin.from, interval->number("leftMargin", -HUGE_VAL));
    TRY(bin.to, interval->number("rightMargin", HUGE_VAL));
    std::string_view closure = interval->get("closure");
    bin.from_open = closure.starts_with("open");
    bin.to_open = closure.ends_with("Open");
    bin.value = literal(value, is_text);
    bins.push_back(bin);
  }
  return std::unique_ptr<Expression>(std::make_unique<Discretize>(
      place, std::move(bins), optional_literal(e, "defaultValue", is_text),
      optional_literal(e, "mapMissingTo", is_text)));
}

Made make_map(const Element& e, const Scope& scope) {
  std::vector<size_t> places;
  std::vector<std::string_view> columns;
  for (const Element* pair : e.all("FieldColumnPair")) {
    TRY(size_t place, place_of(*pair, scope));
    TRY(std::string_view column, pair->required("column"));
    places.push_back(place);
    columns.push_back(column);
  }
  TRY(std::string_view output, e.required("outputColumn"));
  bool is_text = is_text_type(e.get("dataType", "string"));
  TRY(const Element* table, e.required_child("InlineTable"));
  std::vector<MapValues::Entry> entries;
  for (const Element* row : table->all("row")) {
    MapValues::Entry entry;
    for (size_t i = 0; i < columns.size(); ++i) {
      TRY(const Element* cell, row->required_child(columns[i]));
      entry.keys.push_back(literal(cell->text, scope.is_text(places[i])));
    }
    TRY(const Element* cell, row->required_child(output));
    entry.value = literal(cell->text, is_text);
    entries.push_back(std::move(entry));
  }
  return std::unique_ptr<Expression>(std::make_unique<MapValues>(
      std::move(places), std::move(entries), optional_literal(e, "defaultValue", is_text),
      optional_literal(e, "mapMissingTo", is_text)));
}

Made make_apply(const Element& e, const Scope& scope) {
  TRY(std::string_view name, e.required("function"));
  const BuiltIn* function = built_in(name);
  if (!function)
    return error(Code::kUnimplemented,
                 e.wrong(str("the function ", shorten(name, 60), " is not covered")).message);
  std::vector<std::unique_ptr<Expression>> arguments;
  for (const auto& c : e.children) {
    if (c->is("Extension")) continue;
    TRY(auto argument, make(*c, scope));
    arguments.push_back(std::move(argument));
  }
  if (arguments.size() < function->least || arguments.size() > function->most)
    return e.wrong(str("the function ", name, " does not take ", arguments.size(), " arguments"));
  return std::unique_ptr<Expression>(std::make_unique<Apply>(
      *function, std::move(arguments), optional_literal(e, "mapMissingTo", false),
      optional_literal(e, "defaultValue", false)));
}

Made make(const Element& e, const Scope& scope) {
  if (e.is("Constant")) return make_constant(e);
  if (e.is("Discretize")) return make_discretize(e, scope);
  if (e.is("MapValues")) return make_map(e, scope);
  if (e.is("Apply")) return make_apply(e, scope);
  if (!is_expression(e))
    return error(Code::kUnimplemented, e.wrong("this expression is not covered").message);
  TRY(size_t place, place_of(e, scope));
  bool is_text = scope.is_text(place);
  if (e.is("FieldRef"))
    return std::unique_ptr<Expression>(
        std::make_unique<Reference>(place, optional_literal(e, "mapMissingTo", is_text)));
  if (e.is("NormContinuous")) {
    TRY(Curve curve, Curve::make(e));
    return std::unique_ptr<Expression>(std::make_unique<NormContinuous>(place, std::move(curve)));
  }
  TRY(std::string_view value, e.required("value"));
  return std::unique_ptr<Expression>(std::make_unique<NormDiscrete>(
      place, literal(value, is_text), optional_literal(e, "mapMissingTo", false)));
}

}  // namespace

Result<Curve> Curve::make(const Element& e) {
  Curve c;
  for (const Element* p : e.all("LinearNorm")) {
    TRY(double from, p->number("orig"));
    TRY(double to, p->number("norm"));
    if (!c.from_.empty() && from <= c.from_.back()) return e.wrong("its points do not ascend");
    c.from_.push_back(from);
    c.to_.push_back(to);
  }
  if (c.from_.size() < 2) return e.wrong("it has fewer than two points");
  std::string_view outliers = e.get("outliers", "asIs");
  c.outliers_ = outliers == "asMissingValues" ? 1 : outliers == "asExtremeValues" ? 2 : 0;
  c.has_missing_ = e.find("mapMissingTo") != nullptr;
  TRY(c.missing_, e.number("mapMissingTo", 0));
  return c;
}

Value Curve::map(double x) const {
  size_t last = from_.size() - 1;
  bool below = x<from_[0], above = x> from_[last];
  if ((below || above) && outliers_ == 1) return of_missing();
  if ((below || above) && outliers_ == 2) return Value::of(below ? to_[0] : to_[last]);
  size_t i = 1;
  while (i < last && x > from_[i]) ++i;
  double part = (x - from_[i - 1]) / (from_[i] - from_[i - 1]);
  return Value::of(to_[i - 1] + part * (to_[i] - to_[i - 1]));
}

double Curve::inverse(double y) const {
  size_t last = to_.size() - 1, i = 1;
  bool up = to_[last] >= to_[0];
  while (i < last && (up ? y > to_[i] : y < to_[i])) ++i;
  double height = to_[i] - to_[i - 1];
  double part = height == 0 ? 0 : (y - to_[i - 1]) / height;
  return from_[i - 1] + part * (from_[i] - from_[i - 1]);
}

bool is_expression(const Element& e) {
  for (std::string_view known : {"Constant", "FieldRef", "NormContinuous", "NormDiscrete",
                                 "Discretize", "MapValues", "Apply"})
    if (e.is(known)) return true;
  return false;
}

Result<std::unique_ptr<Expression>> expression_in(const Element& parent, const Scope& scope) {
  for (const auto& c : parent.children)
    if (!c->is("Extension") && !c->is("Value") && !c->is("ParameterField")) return make(*c, scope);
  return parent.wrong("its expression is missing");
}

Status add_derived_fields(const Element& parent, Scope& scope) {
  for (const auto& c : parent.children) {
    if (c->is("DefineFunction"))
      return error(Code::kUnimplemented,
                   c->wrong("functions of the document are not covered").message);
    if (!c->is("DerivedField")) continue;
    TRY(auto expression, expression_in(*c, scope));
    bool is_text = is_text_type(c->get("dataType", "string"));
    std::string_view name = c->get("name");
    scope.set(name, scope.fields().add(name, is_text, std::move(expression)));
  }
  return {};
}

}  // namespace proa::pmml
