// SVR, NuSVR and OneClassSVM: one weighted sum over the support vectors.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/kernels.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

class SupportVectorSum : public Estimator {
 public:
  Kernel kernel;
  std::vector<double> dual;  // one a support vector
  double intercept = 0, offset = 0;
  bool one_class = false;

  bool has(Method m) const override {
    if (m == Method::kPredict) return true;
    return one_class && (m == Method::kDecisionFunction || m == Method::kScoreSamples);
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override;
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (one_class && method == Method::kPredict) info.type = DataType::kInt64;
    return info;
  }
};

Status SupportVectorSum::predict(Method method, const Table& in, Workspace& work,
                                 Output& out) const {
  TRY(Rows rows, rows_of(in, *this, kernel.features(), work));
  Scores s = take_scores(rows.count, 1, work);
  std::span<double> k = work.take<double>(kernel.count());
  RowReader reader(rows, work);
  for (size_t r = 0; r < rows.count; ++r) {
    kernel.values(reader.row(r), k.data());
    s.values[r] = dot(dual.data(), k.data(), k.size()) + intercept;
  }
  if (one_class && method == Method::kPredict) {  // LIBSVM: 0 is outside
    std::span<int64_t> sign = work.take<int64_t>(s.rows);
    for (size_t r = 0; r < s.rows; ++r) sign[r] = s.values[r] > 0 ? 1 : -1;
    out.first = {DataType::kInt64, 1, {s.rows}, nullptr, sign.data(), nullptr};
    return {};
  }
  if (method == Method::kScoreSamples)
    for (size_t r = 0; r < s.rows; ++r) s.values[r] += offset;
  set_output(s, true, out);
  return {};
}

Result<std::unique_ptr<SupportVectorSum>> read_sum(const Attributes& a) {
  auto out = std::make_unique<SupportVectorSum>();
  TRY_STATUS(read_kernel(a, out->kernel));
  out->features = out->kernel.features();
  TRY(Matrix dual, a.matrix({"_dual_coef_", "dual_coef_"}));
  if (dual.rows != 1 || dual.columns != out->kernel.count())
    return a.wrong(str("_dual_coef_ has shape (", dual.rows, ", ", dual.columns, "), expected (1, ",
                       out->kernel.count(), ")"));
  out->dual = std::move(dual.values);
  TRY(std::vector<double> intercept, a.vector({"_intercept_", "intercept_"}));
  if (intercept.size() != 1) return a.wrong("_intercept_ is not one number");
  out->intercept = intercept[0];
  return out;
}

}  // namespace

Made make_svr(const Attributes& a, Maker&) {
  TRY(auto out, read_sum(a));
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_one_class_svm(const Attributes& a, Maker&) {
  TRY(auto out, read_sum(a));
  out->one_class = true;
  out->offset = -out->intercept;
  if (a.has("offset_")) {
    TRY(std::vector<double> offset, a.vector({"offset_"}));
    if (offset.size() != 1) return a.wrong("offset_ is not one number");
    out->offset = offset[0];
  }
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
