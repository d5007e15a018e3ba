// One row on its way through a PMML document: a value for each field, derived ones when they are
// first asked for. And where names lead: scopes.
//
// Used by all of the PMML engine. Fields and scopes are made once; a Row belongs to one thread.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/engines/pmml/core/xml.h"
#include "models/inference/workspace.h"

namespace proa::pmml {

struct Value {
  enum class Kind : uint8_t { kMissing, kNumber, kText };
  Kind kind = Kind::kMissing;
  double number = 0;
  std::string_view text;

  static Value of(double v) { return {Kind::kNumber, v, {}}; }
  static Value of(std::string_view t) { return {Kind::kText, 0, t}; }
  bool missing() const { return kind == Kind::kMissing; }
  bool is_number() const { return kind == Kind::kNumber; }
};
bool operator==(const Value& a, const Value& b);  // a number and a text: by the text's number
double number_of(const Value& v);                 // of a text its number; NaN where there is none
std::string text_of(const Value& v);              // of a whole number without a point

class Row;

class Expression {
 public:
  virtual ~Expression() = default;
  virtual Value evaluate(Row& row) const = 0;
};

struct Field {
  std::string name;
  bool is_text = false;                    // its data type is string
  std::unique_ptr<Expression> expression;  // of a derived field
};

// All fields of a document, by place.
class Fields {
 public:
  size_t add(std::string_view name, bool is_text, std::unique_ptr<Expression> expression = nullptr);
  const Field& operator[](size_t place) const { return fields_[place]; }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

// What names mean in a model: its own fields, then those of the model around it.
class Scope {
 public:
  Scope(Fields& fields, const Scope* outer) : fields_(fields), outer_(outer) {}
  Fields& fields() const { return fields_; }
  void set(std::string_view name, size_t place) { places_[std::string(name)] = place; }
  const size_t* find(std::string_view name) const;
  // kInvalid, at `where`, for a name that is not known.
  Result<size_t> place(std::string_view name, const Element& where) const;
  bool is_text(size_t place) const { return fields_[place].is_text; }
  bool is_outermost() const { return outer_ == nullptr; }

 private:
  Fields& fields_;
  const Scope* outer_;
  std::map<std::string, size_t, std::less<>> places_;
};

class Row {
 public:
  Row(const Fields& fields, inference::Workspace& work);
  const Value& get(size_t place);
  double number(size_t place) { return number_of(get(place)); }
  void set(size_t place, const Value& value) {
    values_[place] = value;
    known_[place] = true;
  }
  inference::Workspace& work() { return work_; }
  // The first of what went wrong.
  void fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }
  const std::string& error() const { return error_; }

 private:
  const Fields& fields_;
  inference::Workspace& work_;
  std::span<Value> values_;
  std::span<bool> known_;
  std::string error_;
};

// A field's data type: of strings and of what is compared as strings.
bool is_text_type(std::string_view data_type);
// A value as the document writes it, for a field of that type. Views `text`.
Value literal(std::string_view text, bool is_text);

}  // namespace proa::pmml
