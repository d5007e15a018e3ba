#include "models/engines/sklearn_model.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/describe.h"

namespace proa::engines {
namespace {

using inference::TensorInfo;

constexpr size_t kMostNamedInputs = 1000;
constexpr size_t kMostDense = size_t{1} << 28;  // numbers of a sparse answer made dense

constexpr Method kMethods[] = {Method::kPredict,
                               Method::kPredictProba,
                               Method::kPredictLogProba,
                               Method::kDecisionFunction,
                               Method::kScoreSamples,
                               Method::kTransform,
                               Method::kApply,
                               Method::kContrib,
                               Method::kRaw};

std::vector<TensorInfo> inputs_of(const Estimator& e, const InputKind& kind) {
  if (kind.documents) return {{"input-0", DataType::kBytes, {-1}}};
  int64_t width = e.features == 0 ? -1 : static_cast<int64_t>(e.features);
  bool texts = std::find(kind.texts.begin(), kind.texts.end(), true) != kind.texts.end();
  bool mixed = texts && std::find(kind.texts.begin(), kind.texts.end(), false) != kind.texts.end();
  bool named = !e.feature_names.empty() && e.feature_names.size() <= kMostNamedInputs &&
               kind.texts.size() == e.feature_names.size() && (mixed || kind.by_name);
  if (!named) return {{"input-0", texts ? DataType::kBytes : DataType::kFp64, {-1, width}}};
  std::vector<TensorInfo> out;
  for (size_t i = 0; i < e.feature_names.size(); ++i)
    out.push_back(
        {e.feature_names[i], kind.texts[i] ? DataType::kBytes : DataType::kFp64, {-1, 1}});
  return out;
}

TensorInfo output_of(const Estimator& e, Method method) {
  TensorInfo out = e.output_info(method);
  out.name = "output-0";
  if (method == Method::kTransform && out.shape.empty()) {
    size_t columns = e.output_names().size();
    out.shape.push_back(columns == 0 ? -1 : static_cast<int64_t>(columns));
  }
  out.shape.insert(out.shape.begin(), -1);
  return out;
}

Values texts_or_numbers(const Table& t, size_t first, size_t columns, bool texts, Workspace& work) {
  size_t count = t.rows * columns;
  Values v{texts ? DataType::kBytes : DataType::kFp64, 2, {t.rows, columns}};
  auto numbers = work.take<double>(texts ? 0 : count);
  auto words = work.take<std::string_view>(texts ? count : 0);
  for (size_t r = 0, i = 0; r < t.rows; ++r)
    for (size_t c = first; c < first + columns; ++c, ++i) {
      const Cell& cell = t.cells[r * t.columns + c];
      if (!texts)
        numbers[i] = cell.kind == Cell::Kind::kNumber ? cell.number : __builtin_nan("");
      else if (cell.kind == Cell::Kind::kText)
        words[i] = cell.text;
      else
        words[i] = cell.kind == Cell::Kind::kNumber ? work.keep(str(cell.number)) : "";
    }
  v.numbers = numbers.data();
  v.texts = words.data();
  return v;
}

bool column_has_text(const Table& t, size_t column) {
  for (size_t r = 0; r < t.rows; ++r)
    if (t.cells[r * t.columns + column].kind == Cell::Kind::kText) return true;
  return false;
}

void cells_output(const Table& t, const std::vector<std::string>& names, Workspace& work,
                  Output& out) {
  size_t texts = 0;
  for (size_t c = 0; c < t.columns; ++c) texts += column_has_text(t, c);
  if (texts == 0 || texts == t.columns) {
    out.first = texts_or_numbers(t, 0, t.columns, texts != 0, work);
    return;
  }
  auto all = work.take<Values>(t.columns);
  for (size_t c = 0; c < t.columns; ++c)
    all[c] = texts_or_numbers(t, c, 1, column_has_text(t, c), work);
  out.first = all[0];
  out.rest = all.subspan(1);
  if (names.size() != t.columns) return;
  auto kept = work.take<std::string_view>(names.size());
  for (size_t c = 0; c < names.size(); ++c) kept[c] = names[c];
  out.names = kept;
}

// A table of integers, as counts and codes are, answers with integers.
void whole_numbers(const double* numbers, size_t count, Workspace& work, Values& out) {
  constexpr double kMost = 9007199254740992;  // 2^53
  for (size_t i = 0; i < count; ++i)
    if (!(std::fabs(numbers[i]) <= kMost) || numbers[i] != std::trunc(numbers[i])) return;
  auto to = work.take<int64_t>(count);
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<int64_t>(numbers[i]);
  out.type = DataType::kInt64;
  out.integers = to.data();
}

Error unlike_at_fit(std::string_view what, const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < names.size() && i < 5; ++i) list += str("- ", shorten(names[i], 60), "\n");
  if (names.size() > 5) list += "- ...\n";
  return error(Code::kInvalid,
               str("The feature names should match those that were passed during fit.\n", what,
                   ":\n", list));
}

Table reordered(const Table& in, std::span<const size_t> from, Workspace& work) {
  Table out = in;
  out.columns = from.size();
  if (in.form == Table::Form::kCells) {
    auto cells = work.take<Cell>(in.rows * from.size());
    for (size_t r = 0, i = 0; r < in.rows; ++r)
      for (size_t c : from) cells[i++] = in.cells[r * in.columns + c];
    out.cells = cells.data();
  } else {
    auto numbers = work.take<double>(in.rows * from.size());
    for (size_t r = 0, i = 0; r < in.rows; ++r)
      for (size_t c : from) numbers[i++] = in.dense[r * in.columns + c];
    out.dense = numbers.data();
  }
  return out;
}

}  // namespace

Status table_output(const Table& t, const std::vector<std::string>& names, Workspace& work,
                    Output& out) {
  out = Output{};
  size_t count = 0;
  if (__builtin_mul_overflow(t.rows, t.columns, &count) ||
      (t.form == Table::Form::kSparse && count > kMostDense))
    return error(Code::kTooLarge, str("the answer would have ", t.rows, " × ", t.columns,
                                      " numbers; send fewer rows at once"));
  if (t.form == Table::Form::kCells) {
    cells_output(t, names, work, out);
    return {};
  }
  const double* numbers = t.dense;
  if (t.form == Table::Form::kSparse) {
    auto filled = work.zeros<double>(count);
    for (size_t r = 0; r < t.rows; ++r)
      for (size_t i = t.starts[r]; i < t.starts[r + 1]; ++i)
        filled[r * t.columns + t.indices[i]] = t.values[i];
    numbers = filled.data();
  }
  out.first = inference::matrix_of(numbers, t.rows, t.columns);
  if (inference::is_integer(t.type)) whole_numbers(numbers, count, work, out.first);
  if (t.type == DataType::kBool && out.first.integers) out.first.type = DataType::kBool;
  if (t.flat && t.columns == 1) out.first.rank = 1;
  return {};
}

Result<std::unique_ptr<SklearnModel>> SklearnModel::make(const pickle::Node& root,
                                                         std::unique_ptr<Estimator> estimator,
                                                         const inference::LoadOptions& options,
                                                         inference::ModelInfo info) {
  std::unique_ptr<SklearnModel> model(new SklearnModel);
  model->estimator_ = std::move(estimator);
  model->info_ = std::move(info);
  TRY_STATUS(model->choose(options.method));
  model->describe(root);
  return model;
}

Status SklearnModel::choose(Method wanted) {
  for (Method m : kMethods)
    if (estimator_->has(m)) info_.methods.push_back(m);
  if (wanted != Method::kDefault) {
    if (!estimator_->has(wanted)) return no_method(wanted);
    default_ = wanted;
    return {};
  }
  for (Method m : {Method::kPredict, Method::kTransform, Method::kScoreSamples}) {
    if (!estimator_->has(m)) continue;
    default_ = m;
    return {};
  }
  return error(Code::kInvalid, str(estimator_->name,
                                   " has neither predict nor transform; a model "
                                   "needs one of them to be served"));
}

Error SklearnModel::no_method(Method method) const {
  std::vector<std::string> has;
  for (Method m : info_.methods) has.emplace_back(inference::to_string(m));
  std::string hint;
  bool svm = estimator_->name == "SVC" || estimator_->name == "NuSVC";
  if (svm && method == Method::kPredictProba)
    hint = "; it was fitted with probability=False, fit it with probability=True";
  return error(Code::kUnimplemented, str(estimator_->name, " has no ", inference::to_string(method),
                                         " (it has: ", join(has, ", "), ")", hint));
}

void SklearnModel::describe(const pickle::Node& root) {
  const Estimator& e = *estimator_;
  InputKind kind = input_kind(root, e.feature_names, e.features);
  by_name_ = kind.by_name;
  names_.assign(e.feature_names.begin(), e.feature_names.end());
  info_.engine = "sklearn";
  info_.platform = "sklearn";
  info_.type = type_text(root);
  info_.features = e.features;
  info_.inputs = inputs_of(e, kind);
  info_.outputs = {output_of(e, default_)};
}

// Named columns in the order of fitting. Clients that send objects have no order to keep, so
// another order is no error; other names are, in scikit-learn's words.
Result<Table> SklearnModel::in_order(const Table& in, Workspace& work) const {
  if (in.names.empty() || names_.empty() || in.names.size() != in.columns) return in;
  if (std::equal(in.names.begin(), in.names.end(), names_.begin(), names_.end())) return in;
  if (in.form == Table::Form::kSparse) return in;
  std::vector<std::pair<std::string_view, size_t>> given;
  for (size_t c = 0; c < in.columns; ++c) given.emplace_back(in.names[c], c);
  std::sort(given.begin(), given.end());
  auto from = work.take<size_t>(names_.size());
  std::vector<std::string> missing, unseen;
  std::vector<bool> used(in.columns);
  for (size_t i = 0; i < names_.size(); ++i) {
    auto at = std::lower_bound(given.begin(), given.end(), std::pair(names_[i], size_t{0}));
    if (at == given.end() || at->first != names_[i]) {
      missing.emplace_back(names_[i]);
      continue;
    }
    from[i] = at->second;
    used[at->second] = true;
  }
  if (by_name_ && !missing.empty()) return in;  // it says itself which columns it needs
  if (!missing.empty())
    return unlike_at_fit("Feature names seen at fit time, yet now missing", missing);
  for (size_t c = 0; c < in.columns; ++c)
    if (!used[c]) unseen.emplace_back(in.names[c]);
  if (!unseen.empty() && !by_name_)
    return unlike_at_fit("Feature names unseen at fit time", unseen);
  Table out = reordered(in, from, work);
  out.names = names_;
  return out;
}

Status SklearnModel::predict(const Table& in, Method method, Workspace& work, Output& out) const {
  if (method == Method::kDefault) method = default_;
  if (!estimator_->has(method)) return no_method(method);
  TRY(Table table, in_order(in, work));
  out = Output{};
  if (method != Method::kTransform) return estimator_->predict(method, table, work, out);
  Table transformed;
  TRY_STATUS(estimator_->transform(table, work, transformed));
  return table_output(transformed, estimator_->output_names(), work, out);
}

}  // namespace proa::engines
