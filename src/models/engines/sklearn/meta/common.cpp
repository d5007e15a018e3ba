#include "models/engines/sklearn/meta/common.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines::meta {
namespace {

constexpr size_t kMostParts = 1 << 20;

Status check_part(const Attributes& a, const Part& part, Method needs) {
  if (needs == Method::kDefault || part->has(needs)) return {};
  return a.wrong(str("its part ", part->name, " has no ", inference::to_string(needs)));
}

bool same_label(const Values& v, size_t i, const Labels& labels, size_t k) {
  if (v.texts) return !labels.texts.empty() && v.texts[i] == labels.texts[k];
  double x = v.integers ? static_cast<double>(v.integers[i]) : v.numbers[i];
  if (!labels.integers.empty() && v.integers) return v.integers[i] == labels.integers[k];
  if (!labels.integers.empty()) return x == static_cast<double>(labels.integers[k]);
  return !labels.numbers.empty() && x == labels.numbers[k];
}

}  // namespace

inference::TensorInfo Classifier::output_info(Method method) const {
  if (method == Method::kPredict) return {"", labels_.type, {}};
  int64_t k = static_cast<int64_t>(labels_.size());
  if (method == Method::kDecisionFunction && k == 2) return {"", DataType::kFp64, {}};
  return {"", DataType::kFp64, {k}};
}

Result<Part> make_part(const Attributes& a, Attributes::Names names, Maker& maker, Method needs) {
  for (std::string_view name : names) {
    if (!a.has(name)) continue;
    TRY(Part part, maker.make(a.find(name)));
    TRY_STATUS(check_part(a, part, needs));
    return part;
  }
  return a.wrong(str("attribute ", *names.begin(), " is missing; was it fitted?"));
}

Result<std::vector<Part>> make_parts(const Attributes& a, Attributes::Names names, Maker& maker,
                                     Method needs) {
  TRY(std::vector<const pickle::Node*> nodes, a.list(names));
  if (nodes.empty()) return a.wrong(str(*names.begin(), " is empty"));
  if (nodes.size() > kMostParts) return a.wrong(str(*names.begin(), " is too long"));
  std::vector<Part> parts;
  for (const pickle::Node* node : nodes) {
    TRY(Part part, maker.make(node));
    TRY_STATUS(check_part(a, part, needs));
    parts.push_back(std::move(part));
  }
  return parts;
}

bool is_text(const pickle::Node* node, std::string_view text) {
  return node && node->kind == pickle::Kind::kStr && node->text == text;
}

size_t width_of(const std::vector<Part>& parts) {
  for (const Part& p : parts)
    if (p && p->features != 0) return p->features;
  return 0;
}

bool is_classifier(const Estimator& e) {
  return e.labels() != nullptr || e.has(Method::kPredictProba);
}

Result<const double*> numbers(const Values& v, Workspace& work) {
  if (v.numbers) return v.numbers;
  size_t n = v.count();
  if (n == 0) return work.take<double>(1).data();
  if (!v.integers) return error(Code::kInvalid, "texts were predicted where numbers are needed");
  std::span<double> out = work.take<double>(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<double>(v.integers[i]);
  return out.data();
}

Result<const double*> ask(const Estimator& e, Method method, const Table& in, Workspace& work,
                          size_t& columns) {
  Output out;
  TRY_STATUS(e.predict(method, in, work, out));
  const Values& v = out.first;
  if (out.count() != 1 || v.rank < 1 || v.rank > 2 || v.shape[0] != in.rows)
    return error(Code::kUnimplemented, str(e.name, ": its ", inference::to_string(method),
                                           " has several outputs, which is not supported here"));
  columns = v.rank == 2 ? v.shape[1] : 1;
  return numbers(v, work);
}

Result<const double*> ask_exactly(const Estimator& e, Method method, const Table& in,
                                  Workspace& work, size_t columns) {
  size_t got = 0;
  TRY(const double* out, ask(e, method, in, work, got));
  if (got != columns)
    return error(Code::kInvalid, str(e.name, ": ", inference::to_string(method), " has ", got,
                                     " columns where ", columns, " are needed"));
  return out;
}

Status binary_scores(const Estimator& e, const Table& in, Workspace& work, std::span<double> out) {
  Method method = !is_classifier(e)                  ? Method::kPredict
                  : e.has(Method::kDecisionFunction) ? Method::kDecisionFunction
                                                     : Method::kPredictProba;
  size_t columns = 0, column = method == Method::kPredictProba ? 1 : 0;
  TRY(const double* scores, ask(e, method, in, work, columns));
  if (columns != column + 1)
    return error(Code::kInvalid, str(e.name, ": ", columns, " columns of ",
                                     inference::to_string(method), " where two classes are meant"));
  for (size_t r = 0; r < in.rows; ++r) out[r] = scores[r * columns + column];
  return {};
}

double binary_threshold(const Estimator& e) {
  return is_classifier(e) && e.has(Method::kDecisionFunction) ? 0.0 : 0.5;
}

Result<std::span<uint32_t>> class_indices(const Values& v, const Labels& labels, Workspace& work) {
  if (v.rank != 1) return error(Code::kInvalid, "a vector of labels is needed");
  size_t n = v.shape[0], k = labels.size();
  std::span<uint32_t> out = work.take<uint32_t>(n);
  size_t last = 0;  // most neighbours in a batch are alike
  for (size_t i = 0; i < n; ++i) {
    out[i] = kNoClass;
    for (size_t step = 0; step < k; ++step) {
      size_t c = last + step < k ? last + step : last + step - k;
      if (!same_label(v, i, labels, c)) continue;
      out[i] = static_cast<uint32_t>(last = c);
      break;
    }
  }
  return out;
}

std::span<uint32_t> argmax_rows(const double* scores, size_t rows, size_t columns,
                                Workspace& work) {
  std::span<uint32_t> out = work.take<uint32_t>(rows);
  for (size_t r = 0; r < rows; ++r) {
    const double* s = scores + r * columns;
    size_t best = 0;
    for (size_t c = 1; c < columns && !std::isnan(s[best]); ++c)
      if (s[c] > s[best] || std::isnan(s[c])) best = c;
    out[r] = static_cast<uint32_t>(best);
  }
  return out;
}

void softmax_rows(double* scores, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r) {
    double* s = scores + r * columns;
    double top = *std::max_element(s, s + columns), sum = 0;
    for (size_t c = 0; c < columns; ++c) sum += s[c] = std::exp(s[c] - top);
    for (size_t c = 0; c < columns; ++c) s[c] /= sum;
  }
}

Result<Values> beside(std::span<const Values> columns, size_t rows, Workspace& work) {
  size_t k = columns.size();
  bool all_integers = true, any_text = false;
  for (const Values& v : columns) {
    if (v.shape[0] != rows || v.count() != rows)
      return error(Code::kInvalid, "an output with several columns is not supported here");
    all_integers = all_integers && v.integers != nullptr;
    any_text = any_text || v.texts != nullptr;
  }
  Values out{columns[0].type, 2, {rows, k}, nullptr, nullptr, nullptr};
  if (any_text) {
    std::span<std::string_view> cells = work.take<std::string_view>(rows * k);
    for (size_t c = 0; c < k; ++c)
      for (size_t r = 0; r < rows; ++r)
        cells[r * k + c] = columns[c].texts ? columns[c].texts[r] : std::string_view();
    out.texts = cells.data();
  } else if (all_integers) {
    std::span<int64_t> cells = work.take<int64_t>(rows * k);
    for (size_t c = 0; c < k; ++c)
      for (size_t r = 0; r < rows; ++r) cells[r * k + c] = columns[c].integers[r];
    out.integers = cells.data();
  } else {
    std::span<double> cells = work.take<double>(rows * k);
    for (size_t c = 0; c < k; ++c) {
      TRY(const double* from, numbers(columns[c], work));
      for (size_t r = 0; r < rows; ++r) cells[r * k + c] = from[r];
    }
    out.numbers = cells.data();
    if (!is_float(out.type)) out.type = DataType::kFp64;
  }
  return out;
}

Values integers_of(std::span<const int64_t> values, DataType type) {
  return {type, 1, {values.size()}, nullptr, values.data(), nullptr};
}

}  // namespace proa::engines::meta
