// IterativeImputer: each column with missing values is predicted from others, round after round.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/categories.h"
#include "models/engines/sklearn/preprocessing/imputing.h"

namespace proa::engines {
namespace {

struct Step {
  uint32_t column;
  std::vector<uint32_t> from;
  std::unique_ptr<Estimator> estimator;
};

double number_at(const Values& v, size_t i) {
  return v.numbers ? v.numbers[i] : v.integers ? static_cast<double>(v.integers[i]) : NAN;
}

class IterativeImputer : public Transformer {
 public:
  MissingValue missing;
  std::unique_ptr<Estimator> first;  // what is filled in to begin with
  std::vector<uint32_t> kept;        // columns that come out
  std::vector<uint8_t> untouched;    // of these: empty in training, filled by `first` alone
  bool first_drops = false;          // `first` gives the kept columns only
  std::vector<Step> steps;
  std::vector<double> low, high;  // by kept column
  size_t inputs = 0;
  Indicator indicator;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work, missing.allowed()));
    TRY_STATUS(check_columns(in, inputs, *this));
    Table filled;
    TRY_STATUS(first->transform(in, work, filled));
    size_t n = kept.size(), from = first_drops ? n : inputs;
    if (filled.form != Table::Form::kDense || filled.columns != from)
      return error(Code::kInternal, "the first imputer gives another number of columns");
    std::span<double> now = work.take<double>(in.rows * n);
    std::span<uint8_t> gone = work.take<uint8_t>(in.rows * n);
    bool all = true;
    for (size_t i = 0; i < now.size(); ++i) {
      size_t r = i / n, c = i % n;
      now[i] = filled.dense[r * from + (first_drops ? c : kept[c])];
      gone[i] = missing.is(x[r * inputs + kept[c]]) && !untouched[c];
      all &= gone[i] != 0;
    }
    for (size_t s = 0; s < steps.size() && !all; ++s)
      TRY_STATUS(run(steps[s], in.rows, now, gone, work));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    double* at = to.data();
    for (size_t r = 0; r < in.rows; ++r) {
      at = std::copy_n(now.data() + r * n, n, at);
      for (uint32_t c : indicator.columns) *at++ = missing.is(x[r * inputs + c]) ? 1 : 0;
    }
    return {};
  }

 private:
  Status run(const Step& s, size_t rows, std::span<double> now, std::span<const uint8_t> gone,
             Workspace& work) const {
    size_t n = kept.size(), count = 0;
    for (size_t r = 0; r < rows; ++r) count += gone[r * n + s.column];
    if (count == 0) return {};
    Workspace::Mark mark = work.mark();
    Table part;
    TRY(std::span<double> values, sized_output(count, s.from.size(), work, part));
    double* at = values.data();
    for (size_t r = 0; r < rows; ++r)
      for (size_t k = 0; gone[r * n + s.column] && k < s.from.size(); ++k)
        *at++ = now[r * n + s.from[k]];
    Output answer;
    TRY_STATUS(s.estimator->predict(Method::kPredict, part, work, answer));
    if (answer.first.count() != count)
      return error(Code::kInternal, "a column's estimator gives another number of values");
    size_t i = 0;
    for (size_t r = 0; r < rows; ++r)
      if (gone[r * n + s.column])
        now[r * n + s.column] =
            std::min(std::max(number_at(answer.first, i++), low[s.column]), high[s.column]);
    work.release(mark);
    return {};
  }
};

// _min_value and _max_value: a number, or one a column.
Result<std::vector<double>> read_bound(const Attributes& a, const char* name, double otherwise,
                                       const IterativeImputer& i) {
  size_t n = i.kept.size();
  if (!a.has(name)) return std::vector<double>(n, otherwise);
  TRY(std::vector<double> v, a.vector({name}, Attributes::Finite::kAny));
  if (v.size() == 1) return std::vector<double>(n, v[0]);
  if (v.size() == n) return v;
  if (v.size() != i.inputs) return a.wrong(str(name, " is of other columns"));
  std::vector<double> out;
  for (uint32_t c : i.kept) out.push_back(v[c]);
  return out;
}

Result<Step> read_step(const Attributes& a, const pickle::Node& node, size_t columns,
                       Maker& maker) {
  const std::vector<pickle::Node*>* parts = &node.items;
  if (node.kind == pickle::Kind::kObject && node.args) parts = &node.args->items;
  if (parts->size() == 3 && (*parts)[0]->kind == pickle::Kind::kGlobal)
    parts = &(*parts)[2]->items;  // protocols 0 and 1: the class, tuple, and the three
  if (parts->size() != 3) return a.wrong("imputation_sequence_ holds something else than triples");
  Step s;
  TRY(int64_t column, pickle::as_int(*(*parts)[0]));
  const pickle::Node& from = *(*parts)[1];
  if (from.kind != pickle::Kind::kArray || !from.array)
    return a.wrong("imputation_sequence_ holds no array");
  TRY(std::vector<int64_t> indices, pickle::integers(*from.array));
  indices.push_back(column);
  for (int64_t i : indices) {
    if (i < 0 || i >= static_cast<int64_t>(columns))
      return a.wrong("imputation_sequence_ is out of range");
    s.from.push_back(static_cast<uint32_t>(i));
  }
  s.column = s.from.back();
  s.from.pop_back();
  TRY(s.estimator, maker.make((*parts)[2]));
  if (!s.estimator->has(Method::kPredict))
    return a.wrong("an estimator of a column has no predict");
  if (s.estimator->features != 0 && s.estimator->features != s.from.size())
    return a.wrong("an estimator of a column has another number of features");
  return s;
}

Status read_columns(const Attributes& a, const Attributes& first, bool constant_keeps,
                    IterativeImputer& i) {
  TRY(std::vector<double> statistics, first.vector({"statistics_"}, Attributes::Finite::kAny));
  i.inputs = statistics.size();
  TRY_STATUS(check_features(a, i.inputs));
  std::vector<int64_t> empty;
  if (a.has("_is_empty_feature")) {
    TRY(empty, a.integers({"_is_empty_feature"}));
    if (empty.size() != i.inputs) return a.wrong("_is_empty_feature is of other columns");
  } else {
    for (double v : statistics) empty.push_back(std::isnan(v));
  }
  TRY(bool keep_empty, a.flag("keep_empty_features", false));
  TRY(std::string strategy, first.text({"strategy"}));
  for (uint32_t c = 0; c < i.inputs; ++c) {
    if (empty[c] && !keep_empty) continue;
    i.kept.push_back(c);
    i.untouched.push_back(empty[c] != 0);
  }
  i.first_drops = !keep_empty && !(constant_keeps && strategy == "constant");
  return {};
}

}  // namespace

Made make_iterative_imputer(const Attributes& a, Maker& maker) {
  auto i = std::make_unique<IterativeImputer>();
  TRY(bool sampled, a.flag("sample_posterior", false));
  if (sampled) return a.unsupported("sample_posterior, which answers at random,");
  TRY(i->missing, MissingValue::of(a));
  TRY(Attributes first, a.object({"initial_imputer_"}));
  if (first.class_name() != "SimpleImputer") return a.wrong("initial_imputer_ is no SimpleImputer");
  TRY_STATUS(read_columns(a, first, maker.release() < Maker::Release{1, 8}, *i));
  TRY(i->first, maker.make(&first.node()));
  if (i->first->features != 0 && i->first->features != i->inputs)
    return a.wrong("initial_imputer_ has another number of features");
  TRY(auto sequence, a.list({"imputation_sequence_"}));
  for (const pickle::Node* node : sequence) {
    TRY(Step step, read_step(a, *node, i->kept.size(), maker));
    i->steps.push_back(std::move(step));
  }
  TRY(i->low, read_bound(a, "_min_value", -INFINITY, *i));
  TRY(i->high, read_bound(a, "_max_value", INFINITY, *i));
  TRY(i->indicator, read_added_indicator(a, i->inputs));
  i->width = i->kept.size() + i->indicator.columns.size();
  return i;
}

}  // namespace proa::engines
