#include "models/engines/boosted/catboost/link.h"

#include <algorithm>
#include <cmath>

namespace proa::engines::boosted {
namespace {

using inference::DataType;
using inference::Method;
using Label = CatboostFile::Label;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void softmax(double* row, size_t n) {
  double most = *std::max_element(row, row + n), sum = 0;
  for (size_t i = 0; i < n; ++i) sum += row[i] = std::exp(row[i] - most);
  for (size_t i = 0; i < n; ++i) row[i] /= sum;
}

// The labels of class numbers.
void give_labels(const CatboostFile& f, std::span<const uint32_t> classes, bool column,
                 inference::Workspace& work, inference::Output& out) {
  inference::Values& v = out.first;
  v.rank = column ? 2 : 1;
  v.shape = {classes.size(), 1};
  if (f.label_type == Label::kText) {
    auto texts = work.take<std::string_view>(classes.size());
    for (size_t i = 0; i < classes.size(); ++i) texts[i] = f.label_texts[classes[i]];
    v.type = DataType::kBytes;
    v.texts = texts.data();
    return;
  }
  auto label = [&](uint32_t c) {
    return f.label_numbers.empty() ? static_cast<double>(c) : f.label_numbers[c];
  };
  if (f.label_type == Label::kFloat) {
    auto numbers = work.take<double>(classes.size());
    for (size_t i = 0; i < classes.size(); ++i) numbers[i] = label(classes[i]);
    v.type = DataType::kFp64;
    v.numbers = numbers.data();
    return;
  }
  auto integers = work.take<int64_t>(classes.size());
  for (size_t i = 0; i < classes.size(); ++i) integers[i] = static_cast<int64_t>(label(classes[i]));
  v.type = DataType::kInt64;
  v.integers = integers.data();
}

void give_classes(const CatboostFile& f, CatboostTask task, const double* raw, size_t rows,
                  inference::Workspace& work, inference::Output& out) {
  size_t k = f.dimension;
  if (task == CatboostTask::kLabels) {
    auto set = work.take<int64_t>(rows * k);
    for (size_t i = 0; i < rows * k; ++i) set[i] = raw[i] > 0;
    out.first = {DataType::kInt64, 2, {rows, k}, nullptr, set.data(), nullptr};
    return;
  }
  auto classes = work.take<uint32_t>(rows);
  for (size_t r = 0; r < rows; ++r) {
    const double* row = raw + r * k;
    classes[r] = task == CatboostTask::kBinary
                     ? row[0] > 0
                     : static_cast<uint32_t>(std::max_element(row, row + k) - row);
  }
  give_labels(f, classes, task != CatboostTask::kBinary, work, out);
}

void give_probabilities(const CatboostFile& f, CatboostTask task, bool log, double* raw,
                        size_t rows, inference::Workspace& work, inference::Output& out) {
  size_t k = f.dimension;
  if (task == CatboostTask::kBinary) {
    double* both = work.take<double>(rows * 2).data();
    for (size_t r = 0; r < rows; ++r) {
      both[r * 2 + 1] = sigmoid(raw[r]);
      both[r * 2] = 1 - both[r * 2 + 1];
      if (!log) continue;
      both[r * 2] = -std::log1p(std::exp(raw[r]));
      both[r * 2 + 1] = -std::log1p(std::exp(-raw[r]));
    }
    out.first = inference::matrix_of(both, rows, 2);
    return;
  }
  for (size_t r = 0; r < rows && task == CatboostTask::kMany; ++r) softmax(raw + r * k, k);
  for (size_t i = 0; i < rows * k; ++i) {
    if (task != CatboostTask::kMany) raw[i] = sigmoid(raw[i]);
    if (log) raw[i] = std::log(raw[i]);
  }
  out.first = inference::matrix_of(raw, rows, k);
}

}  // namespace

CatboostTask catboost_task(const CatboostFile& file) {
  const std::string& loss = file.loss;
  if (loss == "Logloss" || loss == "CrossEntropy" || loss == "Focal") return CatboostTask::kBinary;
  if (loss == "MultiClass") return CatboostTask::kMany;
  if (loss == "MultiClassOneVsAll") return CatboostTask::kOneVsAll;
  if (loss == "MultiLogloss" || loss == "MultiCrossEntropy") return CatboostTask::kLabels;
  if (loss == "Poisson" || loss == "Tweedie") return CatboostTask::kExponent;
  if (loss == "RMSEWithUncertainty" && file.dimension == 2) return CatboostTask::kUncertainty;
  return CatboostTask::kRaw;
}

inference::TensorInfo catboost_output(const CatboostFile& f, CatboostTask task) {
  inference::TensorInfo out{"output-0", DataType::kFp64, {-1}};
  auto k = static_cast<int64_t>(f.dimension);
  if (!is_classifier(task)) {
    if (k != 1) out.shape.push_back(k);
    return out;
  }
  out.type = f.label_type == Label::kText    ? DataType::kBytes
             : f.label_type == Label::kFloat ? DataType::kFp64
                                             : DataType::kInt64;
  if (task == CatboostTask::kLabels) {
    out.type = DataType::kInt64;
    out.shape.push_back(k);
  } else if (task != CatboostTask::kBinary) {
    out.shape.push_back(1);
  }
  return out;
}

Status catboost_answer(const CatboostFile& f, CatboostTask task, Method method, double* raw,
                       size_t rows, inference::Workspace& work, inference::Output& out) {
  size_t k = f.dimension;
  if (method == Method::kPredictProba || method == Method::kPredictLogProba) {
    give_probabilities(f, task, method == Method::kPredictLogProba, raw, rows, work, out);
    return {};
  }
  if (method == Method::kPredict && is_classifier(task)) {
    give_classes(f, task, raw, rows, work, out);
    return {};
  }
  if (method == Method::kPredict && task == CatboostTask::kExponent)
    for (size_t i = 0; i < rows * k; ++i) raw[i] = std::exp(raw[i]);
  if (method == Method::kPredict && task == CatboostTask::kUncertainty)
    for (size_t r = 0; r < rows; ++r) raw[r * 2 + 1] = std::exp(2 * raw[r * 2 + 1]);
  out.first = k == 1 ? inference::vector_of({raw, rows}) : inference::matrix_of(raw, rows, k);
  return {};
}

}  // namespace proa::engines::boosted
