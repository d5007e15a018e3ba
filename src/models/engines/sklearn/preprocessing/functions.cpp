// FunctionTransformer: nothing, or one of numpy's functions by its name. No function of a file is
// ever looked up or called.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {
namespace {

using Function = double (*)(double);

double sign_of(double x) { return std::isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0; }
double finite_of(double x) {
  if (std::isnan(x)) return 0;
  return std::isinf(x) ? std::copysign(1.7976931348623157e308, x) : x;
}

struct Named {
  std::string_view name;
  Function f;
  bool keeps_integers = false;
};
constexpr Named kFunctions[] = {
    {"log1p", [](double x) { return std::log1p(x); }},
    {"log", [](double x) { return std::log(x); }},
    {"log2", [](double x) { return std::log2(x); }},
    {"log10", [](double x) { return std::log10(x); }},
    {"exp", [](double x) { return std::exp(x); }},
    {"exp2", [](double x) { return std::exp2(x); }},
    {"expm1", [](double x) { return std::expm1(x); }},
    {"sqrt", [](double x) { return std::sqrt(x); }},
    {"cbrt", [](double x) { return std::cbrt(x); }},
    {"square", [](double x) { return x * x; }, true},
    {"absolute", [](double x) { return std::abs(x); }, true},
    {"abs", [](double x) { return std::abs(x); }, true},
    {"fabs", [](double x) { return std::abs(x); }},
    {"negative", [](double x) { return -x; }, true},
    {"positive", [](double x) { return x; }, true},
    {"sign", sign_of, true},
    {"sin", [](double x) { return std::sin(x); }},
    {"cos", [](double x) { return std::cos(x); }},
    {"tan", [](double x) { return std::tan(x); }},
    {"arcsin", [](double x) { return std::asin(x); }},
    {"arccos", [](double x) { return std::acos(x); }},
    {"arctan", [](double x) { return std::atan(x); }},
    {"sinh", [](double x) { return std::sinh(x); }},
    {"cosh", [](double x) { return std::cosh(x); }},
    {"tanh", [](double x) { return std::tanh(x); }},
    {"arcsinh", [](double x) { return std::asinh(x); }},
    {"arccosh", [](double x) { return std::acosh(x); }},
    {"arctanh", [](double x) { return std::atanh(x); }},
    {"floor", [](double x) { return std::floor(x); }},
    {"ceil", [](double x) { return std::ceil(x); }},
    {"trunc", [](double x) { return std::trunc(x); }},
    {"rint", [](double x) { return std::nearbyint(x); }},
    {"isnan", [](double x) { return std::isnan(x) ? 1.0 : 0.0; }},
    {"nan_to_num", finite_of},
    {"deg2rad", [](double x) { return x * (M_PI / 180); }},
    {"radians", [](double x) { return x * (M_PI / 180); }},
    {"rad2deg", [](double x) { return x * (180 / M_PI); }},
    {"degrees", [](double x) { return x * (180 / M_PI); }},
    {"ravel", nullptr},  // of one column: nothing changes
};

class FunctionTransformer : public Transformer {
 public:
  const Named* forward = nullptr;  // nullptr: the identity
  const Named* backward = nullptr;
  bool validate = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    return apply(forward, in, work, out);
  }
  bool has_inverse() const override { return true; }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    return apply(backward, in, work, out);
  }

 private:
  Status apply(const Named* named, const Table& in, Workspace& work, Table& out) const {
    DataType type = in.type;
    if (validate) {
      TRY_STATUS(numeric_input(in, *this, work, out));
    } else {
      out = in;
    }
    if (in.rows == 0 && !validate) {  // as it came, of the width that it should have
      dense_output(0, features, work, out);
      return {};
    }
    if (!named) return {};
    if (!named->f) return in.columns == 1 ? Status{} : one_column(in, *this);
    TRY(const double* x, dense_input(in, *this, work, Missing::kAllowed));
    TRY(std::span<double> to, sized_output(in.rows, in.columns, work, out));
    for (size_t i = 0; i < to.size(); ++i) to[i] = named->f(x[i]);
    if (named->keeps_integers) out.type = type;
    return {};
  }
};

Result<const Named*> read_function(const Attributes& a, const char* name) {
  const pickle::Node* node = a.find(name);
  if (!node || node->kind == pickle::Kind::kNone) return static_cast<const Named*>(nullptr);
  std::string_view full = node->kind == pickle::Kind::kGlobal ? node->text : "";
  if (node->kind == pickle::Kind::kObject && node->args && node->args->items.size() == 2 &&
      node->type_name().ends_with("._ufunc_reconstruct"))
    full = node->args->items[1]->text;
  std::string_view last = full.substr(full.rfind('.') + 1);
  for (const Named& f : kFunctions)
    if (f.name == last && (full.starts_with("numpy") || full == last)) return &f;
  return a.unsupported(str("the function ", full.empty() ? node->describe() : std::string(full)));
}

Status no_arguments(const Attributes& a, const char* name) {
  if (!a.has(name)) return {};
  TRY(auto arguments, a.dict({name}));
  if (!arguments.empty()) return a.unsupported(str("a function with ", name));
  return {};
}

}  // namespace

Made make_function_transformer(const Attributes& a, Maker&) {
  auto f = std::make_unique<FunctionTransformer>();
  TRY(f->forward, read_function(a, "func"));
  TRY(f->backward, read_function(a, "inverse_func"));
  TRY_STATUS(no_arguments(a, "kw_args"));
  TRY_STATUS(no_arguments(a, "inv_kw_args"));
  TRY(f->validate, a.flag("validate", false));
  return f;
}

}  // namespace proa::engines
