#include "models/engines/pmml/core/row.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::pmml {

bool operator==(const Value& a, const Value& b) {
  if (a.missing() || b.missing()) return a.kind == b.kind;
  if (a.kind == Value::Kind::kText && b.kind == Value::Kind::kText) return a.text == b.text;
  return number_of(a) == number_of(b);
}

double number_of(const Value& v) {
  if (v.is_number()) return v.number;
  if (v.missing()) return NAN;
  if (v.text == "true") return 1;
  if (v.text == "false") return 0;
  return parse_double(trim(v.text)).value_or(NAN);
}

std::string text_of(const Value& v) {
  if (!v.is_number()) return std::string(v.text);
  std::string out;
  if (v.number == std::trunc(v.number) && std::fabs(v.number) < 1e15)
    append_number(out, static_cast<int64_t>(v.number));
  else
    append_number(out, v.number);
  return out;
}

size_t Fields::add(std::string_view name, bool is_text, std::unique_ptr<Expression> expression) {
  fields_.push_back({std::string(name), is_text, std::move(expression)});
  return fields_.size() - 1;
}

const size_t* Scope::find(std::string_view name) const {
  for (const Scope* s = this; s; s = s->outer_)
    if (auto at = s->places_.find(name); at != s->places_.end()) return &at->second;
  return nullptr;
}

Result<size_t> Scope::place(std::string_view name, const Element& where) const {
  const size_t* found = find(name);
  if (found) return *found;
  return where.wrong(str("the field '", shorten(name, 100), "' is not known here"));
}

Row::Row(const Fields& fields, inference::Workspace& work)
    : fields_(fields),
      work_(work),
      values_(work.take<Value>(fields.size())),
      known_(work.zeros<bool>(fields.size())) {
  std::fill(values_.begin(), values_.end(), Value{});
}

const Value& Row::get(size_t place) {
  if (!known_[place]) {
    known_[place] = true;
    if (const auto& e = fields_[place].expression) values_[place] = e->evaluate(*this);
  }
  return values_[place];
}

bool is_text_type(std::string_view data_type) {
  return !(data_type == "double" || data_type == "float" || data_type == "integer" ||
           data_type == "boolean");
}

Value literal(std::string_view text, bool is_text) {
  if (is_text) return Value::of(text);
  double v = number_of(Value::of(text));
  return std::isnan(v) ? Value::of(text) : Value::of(v);
}

}  // namespace proa::pmml
