// KernelRidge: kernel of the row with each fitted row, times dual_coef_.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/affine.h"
#include "models/engines/sklearn/linear/makers.h"
#include "models/engines/sklearn/linear/pairwise.h"

namespace proa::engines::linear {
namespace {

class KernelRidge : public Estimator {
 public:
  bool precomputed = false;
  Pairwise kernel;
  Matrix fitted;  // X_fit_; its rows alone matter for a precomputed kernel
  Packed dual;    // one row a target
  bool flat = true;

  bool has(Method m) const override { return m == Method::kPredict; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    size_t width = precomputed ? fitted.rows : fitted.columns;
    TRY(Rows rows, rows_of(in, *this, width, work));
    Scores s = take_scores(rows.count, dual.rows(), work);
    std::span<double> k = work.take<double>(fitted.rows);
    RowReader reader(rows, work);
    for (size_t r = 0; r < rows.count; ++r) {
      const double* x = reader.row(r);
      if (!precomputed) {
        TRY_STATUS(kernel.check(x, width));
        kernel.values(x, fitted, k.data());
        x = k.data();
      }
      dual.times(x, 1, s.row(r));
    }
    set_output(s, flat, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (!flat) info.shape = {static_cast<int64_t>(dual.rows())};
    return info;
  }
};

Status read_kernel_of(const Attributes& a, KernelRidge& out) {
  const pickle::Node* node = a.find("kernel");
  if (node && node->kind != pickle::Kind::kStr)
    return a.unsupported("a kernel that is a function of one's own");
  TRY(std::string kernel, a.text({"kernel"}));
  out.precomputed = kernel == "precomputed";
  if (out.precomputed) return {};
  TRY(out.kernel.kind, Pairwise::named(kernel).context(a.class_name()));
  out.kernel.gamma = 1.0 / static_cast<double>(out.fitted.columns);
  if (out.kernel.kind == Pairwise::Kind::kChi2) out.kernel.gamma = 1;
  if (a.has("gamma")) {
    TRY(out.kernel.gamma, a.number({"gamma"}));
  }
  TRY(out.kernel.degree, a.number({"degree"}));
  TRY(out.kernel.coef0, a.number({"coef0"}));
  return {};
}

}  // namespace

Made make_kernel_ridge(const Attributes& a, Maker&) {
  auto out = std::make_unique<KernelRidge>();
  TRY(out->fitted, a.matrix({"X_fit_"}));
  if (out->fitted.rows == 0 || out->fitted.columns == 0) return a.wrong("X_fit_ is empty");
  TRY_STATUS(read_kernel_of(a, *out));
  out->flat = has_one_axis(a, "dual_coef_");
  Matrix dual;
  if (out->flat) {
    TRY(dual.values, a.vector({"dual_coef_"}));
    dual.rows = dual.values.size();
    dual.columns = 1;
  } else {
    TRY(dual, a.matrix({"dual_coef_"}));
  }
  if (dual.rows != out->fitted.rows || dual.columns == 0)
    return a.wrong(str("dual_coef_ has shape (", dual.rows, ", ", dual.columns, "), X_fit_ has ",
                       out->fitted.rows, " rows"));
  out->dual = Packed::transposed(dual);
  out->features = out->precomputed ? out->fitted.rows : out->fitted.columns;
  TRY_STATUS(check_features(a, out->features));
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
