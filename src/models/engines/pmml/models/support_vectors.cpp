// SupportVectorMachineModel: kernels over support vectors, or coefficients of the fields.
#include <algorithm>
#include <map>

#include "foundation/base/strings.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

enum class Kernel : uint8_t { kLinear, kPolynomial, kRadial, kSigmoid };

struct Machine {
  std::string_view target, alternate;
  double constant = 0, threshold = NAN;
  std::vector<const std::vector<double>*> vectors;  // empty: coefficients of the fields
  std::vector<double> coefficients;
};

class SupportVectors : public Evaluator {
 public:
  struct Entry {
    size_t place = 0;
    bool is_category = false;
    Value value;  // of a category
  };
  std::vector<Entry> entries;
  std::map<std::string_view, std::vector<double>> vectors;
  std::vector<Machine> machines;
  Kernel kernel = Kernel::kLinear;
  double gamma = 1, coefficient = 1, degree = 1, threshold = 0;
  bool classifies = false, one_against_one = false, max_wins = false;
  std::vector<std::string_view> classes;

  std::vector<std::string_view> labels() const override { return classes; }
  void evaluate(Row& row, Answer& out) const override {
    auto x = row.work().take<double>(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      const Value& v = row.get(entries[i].place);
      if (v.missing()) return;
      x[i] = entries[i].is_category ? (v == entries[i].value ? 1 : 0) : number_of(v);
      if (std::isnan(x[i])) return;
    }
    if (!classifies) {
      out.predicted = Value::of(margin(machines[0], x));
      return;
    }
    for (std::string_view c : classes) out.scores.push_back({c, 0});
    if (machines.size() == 1 || one_against_one) return votes(x, out);
    const Machine* best = nullptr;
    double best_margin = 0;
    for (const Machine& m : machines) {
      double v = margin(m, x);
      if (!best || (max_wins ? v > best_margin : v < best_margin)) best = &m, best_margin = v;
    }
    win(out, best->target);
    out.choose();
  }

 private:
  static void win(Answer& out, std::string_view label) {
    for (Score& s : out.scores)
      if (s.label == label) s.probability += 1;
  }
  void votes(std::span<const double> x, Answer& out) const {
    for (const Machine& m : machines) {
      double limit = std::isnan(m.threshold) ? threshold : m.threshold;
      bool above = margin(m, x) > limit;
      win(out, above == max_wins ? m.target : m.alternate);
    }
    out.choose();
    normalize("simplemax", out.scores);
  }
  double margin(const Machine& m, std::span<const double> x) const {
    double sum = m.constant;
    for (size_t i = 0; i < m.coefficients.size(); ++i)
      sum += m.coefficients[i] * (m.vectors.empty() ? x[i] : value(*m.vectors[i], x));
    return sum;
  }
  double value(std::span<const double> v, std::span<const double> x) const {
    double dot = 0;
    for (size_t i = 0; i < x.size(); ++i)
      dot += kernel == Kernel::kRadial ? (x[i] - v[i]) * (x[i] - v[i]) : x[i] * v[i];
    switch (kernel) {
      case Kernel::kLinear:
        return dot;
      case Kernel::kPolynomial:
        return std::pow(gamma * dot + coefficient, degree);
      case Kernel::kRadial:
        return std::exp(-gamma * dot);
      case Kernel::kSigmoid:
        return std::tanh(gamma * dot + coefficient);
    }
    return NAN;
  }
};

Status read_kernel(const Element& e, SupportVectors& s) {
  static constexpr std::pair<std::string_view, Kernel> kAll[] = {
      {"LinearKernelType", Kernel::kLinear},
      {"PolynomialKernelType", Kernel::kPolynomial},
      {"RadialBasisKernelType", Kernel::kRadial},
      {"SigmoidKernelType", Kernel::kSigmoid}};
  for (auto [name, kernel] : kAll)
    if (const Element* k = e.child(name)) {
      s.kernel = kernel;
      TRY(s.gamma, k->number("gamma", 1));
      TRY(s.coefficient, k->number("coef0", 1));
      TRY(s.degree, k->number("degree", 1));
      return {};
    }
  return e.wrong("its kernel is missing");
}

Status read_fields(const Element& e, const Scope& scope, SupportVectors& s) {
  for (const auto& f : e.children) {
    SupportVectors::Entry entry;
    bool category = f->is("CategoricalPredictor");
    if (!category && !f->is("FieldRef")) continue;
    TRY(std::string_view name, f->required(category ? "name" : "field"));
    TRY(entry.place, scope.place(name, *f));
    entry.is_category = category;
    if (category) entry.value = literal(f->get("value"), scope.is_text(entry.place));
    s.entries.push_back(entry);
  }
  return {};
}

// An Array, or a REAL-SparseArray with indices from 1.
Result<std::vector<double>> read_vector(const Element& e, size_t size) {
  std::vector<double> out(size, 0);
  if (const Element* array = e.child("Array")) {
    auto words = array_words(array->text);
    if (words.size() != size) return array->wrong("it has not one number for each field");
    for (size_t i = 0; i < size; ++i) out[i] = parse_double(words[i]).value_or(NAN);
    return out;
  }
  TRY(const Element* sparse, e.required_child("REAL-SparseArray"));
  const Element* indices = sparse->child("Indices");
  const Element* entries = sparse->child("REAL-Entries");
  if (!indices || !entries) return out;
  auto places = array_words(indices->text), numbers = array_words(entries->text);
  if (places.size() != numbers.size()) return sparse->wrong("it has not one number for each index");
  for (size_t i = 0; i < places.size(); ++i) {
    auto place = parse_int(places[i]);
    if (!place || *place < 1 || static_cast<size_t>(*place) > size)
      return sparse->wrong("an index is outside of the fields");
    out[static_cast<size_t>(*place) - 1] = parse_double(numbers[i]).value_or(NAN);
  }
  return out;
}

Status read_dictionary(const Element& e, const Scope& scope, SupportVectors& s) {
  TRY(const Element* fields, e.required_child("VectorFields"));
  TRY_STATUS(read_fields(*fields, scope, s));
  for (const Element* v : e.all("VectorInstance")) {
    TRY(std::string_view id, v->required("id"));
    TRY(auto vector, read_vector(*v, s.entries.size()));
    s.vectors[id] = std::move(vector);
  }
  return {};
}

Result<Machine> read_machine(const Element& e, const SupportVectors& s, bool by_vectors) {
  Machine m;
  m.target = e.get("targetCategory");
  m.alternate = e.get("alternateTargetCategory");
  TRY(m.threshold, e.number("threshold", NAN));
  TRY(const Element* coefficients, e.required_child("Coefficients"));
  TRY(m.constant, coefficients->number("absoluteValue", 0));
  for (const Element* c : coefficients->all("Coefficient")) {
    TRY(double value, c->number("value", 0));
    m.coefficients.push_back(value);
  }
  if (by_vectors) {
    TRY(const Element* vectors, e.required_child("SupportVectors"));
    for (const Element* v : vectors->all("SupportVector")) {
      TRY(std::string_view id, v->required("vectorId"));
      auto at = s.vectors.find(id);
      if (at == s.vectors.end()) return v->wrong(str("there is no vector '", id, "'"));
      m.vectors.push_back(&at->second);
    }
    if (m.vectors.size() != m.coefficients.size())
      return e.wrong("it has not one coefficient for each support vector");
  } else if (m.coefficients.size() != s.entries.size()) {
    return e.wrong("it has not one coefficient for each field");
  }
  return m;
}

}  // namespace

MadeEvaluator make_support_vectors(const Element& e, const Scope& scope) {
  auto s = std::make_unique<SupportVectors>();
  s->classifies = e.get("functionName") == "classification";
  s->one_against_one = e.get("classificationMethod", "OneAgainstAll") == "OneAgainstOne";
  s->max_wins = e.get("maxWins") == "true";
  TRY(s->threshold, e.number("threshold", 0));
  TRY_STATUS(read_kernel(e, *s));
  TRY(const Element* dictionary, e.required_child("VectorDictionary"));
  TRY_STATUS(read_dictionary(*dictionary, scope, *s));
  bool by_vectors = e.get("svmRepresentation", "SupportVectors") == "SupportVectors";
  for (const Element* m : e.all("SupportVectorMachine")) {
    TRY(Machine machine, read_machine(*m, *s, by_vectors));
    for (std::string_view label : {machine.target, machine.alternate})
      if (!label.empty() &&
          std::find(s->classes.begin(), s->classes.end(), label) == s->classes.end())
        s->classes.push_back(label);
    s->machines.push_back(std::move(machine));
  }
  if (s->machines.empty()) return e.wrong("it has no SupportVectorMachine");
  if (!s->classifies) s->classes.clear();
  return std::unique_ptr<Evaluator>(std::move(s));
}

}  // namespace proa::pmml
