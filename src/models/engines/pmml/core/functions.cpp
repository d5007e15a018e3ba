#include "models/engines/pmml/core/functions.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::pmml {
namespace {

using Arguments = std::span<const Value>;

double n(Arguments a, size_t i) { return number_of(a[i]); }
Value yes(bool b) { return Value::of(b ? 1.0 : 0.0); }
Value number(double v) { return std::isnan(v) ? Value{} : Value::of(v); }
bool is_true(const Value& v) { return number_of(v) == 1; }

Value add(Arguments a, Row&) { return number(n(a, 0) + n(a, 1)); }
Value subtract(Arguments a, Row&) { return number(n(a, 0) - n(a, 1)); }
Value multiply(Arguments a, Row&) { return number(n(a, 0) * n(a, 1)); }
Value divide(Arguments a, Row& row) {
  if (n(a, 1) == 0) {
    row.fail("a division by zero in a derived field");
    return {};
  }
  return number(n(a, 0) / n(a, 1));
}
Value modulo(Arguments a, Row&) {
  return number(n(a, 0) - n(a, 1) * std::floor(n(a, 0) / n(a, 1)));
}

// Of the arguments that are there.
template <typename Fold>
Value fold(Arguments a, Fold f) {
  double sum = 0;
  size_t count = 0;
  for (const Value& v : a)
    if (!v.missing()) sum = count++ == 0 ? number_of(v) : f(sum, number_of(v));
  return count == 0 ? Value{} : number(sum);
}
Value least(Arguments a, Row&) {
  return fold(a, [](double x, double y) { return std::min(x, y); });
}
Value most(Arguments a, Row&) {
  return fold(a, [](double x, double y) { return std::max(x, y); });
}
Value sum(Arguments a, Row&) {
  return fold(a, [](double x, double y) { return x + y; });
}
Value product(Arguments a, Row&) {
  return fold(a, [](double x, double y) { return x * y; });
}
Value average(Arguments a, Row& row) {
  auto there = static_cast<double>(
      std::count_if(a.begin(), a.end(), [](const Value& v) { return !v.missing(); }));
  return there == 0 ? Value{} : number(number_of(sum(a, row)) / there);
}
Value median(Arguments a, Row& row) {
  auto all = row.work().take<double>(a.size());
  size_t count = 0;
  for (const Value& v : a)
    if (!v.missing()) all[count++] = number_of(v);
  if (count == 0) return {};
  std::sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count));
  return number(count % 2 ? all[count / 2] : (all[count / 2 - 1] + all[count / 2]) / 2);
}

template <double (*kFunction)(double)>
Value one(Arguments a, Row&) {
  return number(kFunction(n(a, 0)));
}
double round_half_up(double v) { return std::floor(v + 0.5); }
double standard_normal(double v) { return 0.5 * std::erfc(-v / std::sqrt(2)); }
double standard_density(double v) { return std::exp(-v * v / 2) / std::sqrt(2 * M_PI); }
Value power(Arguments a, Row&) { return number(std::pow(n(a, 0), n(a, 1))); }
Value arc_tangent2(Arguments a, Row&) { return number(std::atan2(n(a, 0), n(a, 1))); }
Value threshold(Arguments a, Row&) { return yes(n(a, 0) > n(a, 1)); }

Value equal(Arguments a, Row&) { return yes(a[0] == a[1]); }
Value not_equal(Arguments a, Row&) { return yes(!(a[0] == a[1])); }
Value less(Arguments a, Row&) { return yes(n(a, 0) < n(a, 1)); }
Value less_or_equal(Arguments a, Row&) { return yes(n(a, 0) <= n(a, 1)); }
Value greater(Arguments a, Row&) { return yes(n(a, 0) > n(a, 1)); }
Value greater_or_equal(Arguments a, Row&) { return yes(n(a, 0) >= n(a, 1)); }
Value is_missing(Arguments a, Row&) { return yes(a[0].missing()); }
Value is_not_missing(Arguments a, Row&) { return yes(!a[0].missing()); }
Value is_in(Arguments a, Row&) { return yes(std::find(a.begin() + 1, a.end(), a[0]) != a.end()); }
Value is_not_in(Arguments a, Row&) {
  return yes(std::find(a.begin() + 1, a.end(), a[0]) == a.end());
}
// Of three values: what is known decides, where it can.
Value all_of(Arguments a, Row&) {
  bool unknown = false;
  for (const Value& v : a) {
    if (!v.missing() && !is_true(v)) return yes(false);
    unknown |= v.missing();
  }
  return unknown ? Value{} : yes(true);
}
Value any_of(Arguments a, Row&) {
  bool unknown = false;
  for (const Value& v : a) {
    if (!v.missing() && is_true(v)) return yes(true);
    unknown |= v.missing();
  }
  return unknown ? Value{} : yes(false);
}
Value negate(Arguments a, Row&) { return yes(!is_true(a[0])); }
Value choose(Arguments a, Row&) {
  if (a[0].missing()) return {};
  if (is_true(a[0])) return a[1];
  return a.size() > 2 ? a[2] : Value{};
}

template <typename F>
Value text(Row& row, const Value& v, F change) {
  std::string t = text_of(v);
  change(t);
  return Value::of(row.work().keep(t));
}
Value upper(Arguments a, Row& row) {
  return text(row, a[0], [](std::string& t) {
    for (char& c : t)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  });
}
Value lower_case(Arguments a, Row& row) {
  return text(row, a[0], [](std::string& t) { t = lower(t); });
}
Value trim_blanks(Arguments a, Row& row) {
  return text(row, a[0], [](std::string& t) { t = std::string(trim(t)); });
}
Value length(Arguments a, Row&) { return number(static_cast<double>(text_of(a[0]).size())); }
Value concat(Arguments a, Row& row) {
  std::string all;
  for (const Value& v : a) all += text_of(v);
  return Value::of(row.work().keep(all));
}
Value substring(Arguments a, Row& row) {
  std::string t = text_of(a[0]);
  double from = n(a, 1), count = n(a, 2);
  if (!(from >= 1) || !(count >= 0) || from > static_cast<double>(t.size())) return Value::of("");
  t = t.substr(static_cast<size_t>(from) - 1, static_cast<size_t>(std::min(count, 1e9)));
  return Value::of(row.work().keep(t));
}
Value replace(Arguments a, Row& row) {
  std::string from = text_of(a[1]);
  if (from.empty()) return a[0];
  return text(row, a[0], [&](std::string& t) { t = replace_all(t, from, text_of(a[2])); });
}

constexpr size_t kAny = 1000;
constexpr BuiltIn kAll[] = {
    {"+", 2, 2, false, add},
    {"-", 2, 2, false, subtract},
    {"*", 2, 2, false, multiply},
    {"/", 2, 2, false, divide},
    {"modulo", 2, 2, false, modulo},
    {"min", 1, kAny, true, least},
    {"max", 1, kAny, true, most},
    {"sum", 1, kAny, true, sum},
    {"avg", 1, kAny, true, average},
    {"median", 1, kAny, true, median},
    {"product", 1, kAny, true, product},
    {"log10", 1, 1, false, one<std::log10>},
    {"ln", 1, 1, false, one<std::log>},
    {"ln1p", 1, 1, false, one<std::log1p>},
    {"sqrt", 1, 1, false, one<std::sqrt>},
    {"abs", 1, 1, false, one<std::fabs>},
    {"exp", 1, 1, false, one<std::exp>},
    {"expm1", 1, 1, false, one<std::expm1>},
    {"floor", 1, 1, false, one<std::floor>},
    {"ceil", 1, 1, false, one<std::ceil>},
    {"round", 1, 1, false, one<round_half_up>},
    {"rint", 1, 1, false, one<std::nearbyint>},
    {"sin", 1, 1, false, one<std::sin>},
    {"cos", 1, 1, false, one<std::cos>},
    {"tan", 1, 1, false, one<std::tan>},
    {"asin", 1, 1, false, one<std::asin>},
    {"acos", 1, 1, false, one<std::acos>},
    {"atan", 1, 1, false, one<std::atan>},
    {"sinh", 1, 1, false, one<std::sinh>},
    {"cosh", 1, 1, false, one<std::cosh>},
    {"tanh", 1, 1, false, one<std::tanh>},
    {"stdNormalCDF", 1, 1, false, one<standard_normal>},
    {"stdNormalPDF", 1, 1, false, one<standard_density>},
    {"erf", 1, 1, false, one<std::erf>},
    {"atan2", 2, 2, false, arc_tangent2},
    {"pow", 2, 2, false, power},
    {"threshold", 2, 2, false, threshold},
    {"equal", 2, 2, false, equal},
    {"notEqual", 2, 2, false, not_equal},
    {"lessThan", 2, 2, false, less},
    {"lessOrEqual", 2, 2, false, less_or_equal},
    {"greaterThan", 2, 2, false, greater},
    {"greaterOrEqual", 2, 2, false, greater_or_equal},
    {"isMissing", 1, 1, true, is_missing},
    {"isNotMissing", 1, 1, true, is_not_missing},
    {"isIn", 2, kAny, false, is_in},
    {"isNotIn", 2, kAny, false, is_not_in},
    {"and", 2, kAny, true, all_of},
    {"or", 2, kAny, true, any_of},
    {"not", 1, 1, false, negate},
    {"if", 2, 3, true, choose},
    {"uppercase", 1, 1, false, upper},
    {"lowercase", 1, 1, false, lower_case},
    {"trimBlanks", 1, 1, false, trim_blanks},
    {"stringLength", 1, 1, false, length},
    {"concat", 2, kAny, false, concat},
    {"substring", 3, 3, false, substring},
    {"replace", 3, 3, false, replace},
};

}  // namespace

const BuiltIn* built_in(std::string_view name) {
  for (const BuiltIn& b : kAll)
    if (b.name == name) return &b;
  return nullptr;
}

}  // namespace proa::pmml
