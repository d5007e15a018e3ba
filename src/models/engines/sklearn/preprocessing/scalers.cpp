// Scalers that treat each column by itself: shift, factor, clip.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {
namespace {

// (x − subtract) / divide × multiply + add, then clipped; empty vectors are left out.
class ColumnScaler : public Transformer {
 public:
  std::vector<double> subtract, divide, multiply, add;
  bool clip = false;
  double low = 0, high = 0;
  bool keeps_sparse = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    if (in.form == Table::Form::kSparse && keeps_sparse) return transform_sparse(in, work, out);
    TRY(const double* x, dense_input(in, *this, work, Missing::kNanAllowed));
    if (width != 0 && in.columns != width) return wrong_width(in);
    TRY(std::span<double> to, sized_output(in.rows, in.columns, work, out));
    for (size_t r = 0; r < in.rows; ++r)
      forward(x + r * in.columns, to.data() + r * in.columns, in.columns);
    return {};
  }

  bool has_inverse() const override { return true; }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    if (width != 0 && in.columns != width) return wrong_width(in);
    TRY(const double* x, dense_input(in, *this, work, Missing::kNanAllowed));
    TRY(std::span<double> to, sized_output(in.rows, in.columns, work, out));
    for (size_t i = 0; i < to.size(); ++i) {
      size_t c = i % in.columns;
      double v = x[i];
      if (!add.empty()) v -= add[c];
      if (!multiply.empty()) v /= multiply[c];
      if (!divide.empty()) v *= divide[c];
      if (!subtract.empty()) v += subtract[c];
      to[i] = v;
    }
    return {};
  }

 private:
  Error wrong_width(const Table& in) const {
    return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                     " is expecting ", width, " features as input."));
  }

  void forward(const double* x, double* to, size_t n) const {
    for (size_t c = 0; c < n; ++c) to[c] = subtract.empty() ? x[c] : x[c] - subtract[c];
    if (!divide.empty())
      for (size_t c = 0; c < n; ++c) to[c] /= divide[c];
    if (!multiply.empty())
      for (size_t c = 0; c < n; ++c) to[c] *= multiply[c];
    if (!add.empty())
      for (size_t c = 0; c < n; ++c) to[c] += add[c];
    if (clip)  // NaN stays NaN
      for (size_t c = 0; c < n; ++c) to[c] = to[c] < low ? low : to[c] > high ? high : to[c];
  }

  Status transform_sparse(const Table& in, Workspace& work, Table& out) const {
    if (!subtract.empty())
      return error(Code::kInvalid,
                   "Cannot center sparse matrices: pass `with_mean=False` instead. See docstring "
                   "for motivation and alternatives.");
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t, Missing::kNanAllowed));
    if (width != 0 && in.columns != width) return wrong_width(in);
    size_t n = t.starts[t.rows];
    std::span<double> values = work.take<double>(n);
    for (size_t i = 0; i < n; ++i) forward_one(t.values[i], t.indices[i], values[i]);
    out = t;
    out.values = values.data();
    return {};
  }

  void forward_one(double v, uint32_t c, double& to) const {
    if (!divide.empty()) v /= divide[c];
    if (clip) v = v < low ? low : v > high ? high : v;
    to = v;
  }
};

// One or two vectors of the same size; absent ones stay empty.
Status read_pair(const Attributes& a, ColumnScaler& s, const char* shift, bool with_shift,
                 const char* scale, bool with_scale) {
  if (with_shift) {
    TRY(s.subtract, a.vector({shift}, Attributes::Finite::kAny));
    s.width = s.subtract.size();
  }
  if (with_scale && a.has(scale)) {
    TRY(s.divide, a.vector({scale}, Attributes::Finite::kAny));
    if (s.width != 0 && s.divide.size() != s.width)
      return a.wrong(str(shift, " and ", scale, " differ in size"));
    s.width = s.divide.size();
  }
  s.keeps_sparse = true;
  return s.width != 0 ? check_features(a, s.width) : Status{};
}

}  // namespace

Made make_standard_scaler(const Attributes& a, Maker&) {
  auto s = std::make_unique<ColumnScaler>();
  TRY(bool with_mean, a.flag("with_mean", true));
  TRY(bool with_std, a.flag("with_std", true));
  TRY_STATUS(read_pair(a, *s, "mean_", with_mean, "scale_", with_std));
  return s;
}

Made make_robust_scaler(const Attributes& a, Maker&) {
  auto s = std::make_unique<ColumnScaler>();
  TRY(bool centering, a.flag("with_centering", true));
  TRY(bool scaling, a.flag("with_scaling", true));
  TRY_STATUS(read_pair(a, *s, "center_", centering, "scale_", scaling));
  return s;
}

Made make_min_max_scaler(const Attributes& a, Maker&) {
  auto s = std::make_unique<ColumnScaler>();
  TRY(s->multiply, a.vector({"scale_"}, Attributes::Finite::kAny));
  TRY(s->add, a.vector({"min_"}, Attributes::Finite::kAny));
  if (s->multiply.size() != s->add.size()) return a.wrong("scale_ and min_ differ in size");
  s->width = s->add.size();
  TRY_STATUS(check_features(a, s->width));
  TRY(s->clip, a.flag("clip", false));
  if (s->clip) {
    TRY(std::vector<double> range, a.vector({"feature_range"}));
    if (range.size() != 2) return a.wrong("feature_range is no pair");
    s->low = range[0];
    s->high = range[1];
  }
  return s;
}

Made make_max_abs_scaler(const Attributes& a, Maker&) {
  auto s = std::make_unique<ColumnScaler>();
  TRY_STATUS(read_pair(a, *s, "", false, "scale_", true));
  if (s->divide.empty()) return a.wrong("scale_ is missing");
  TRY(s->clip, a.flag("clip", false));
  s->low = -1;
  s->high = 1;
  return s;
}

namespace {

class Binarizer : public Transformer {
 public:
  double threshold = 0;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t));
    if (t.form == Table::Form::kDense) {
      TRY(std::span<double> to, sized_output(t.rows, t.columns, work, out));
      for (size_t i = 0; i < to.size(); ++i) to[i] = t.dense[i] > threshold ? 1 : 0;
      out.type = t.type;
      return {};
    }
    if (threshold < 0)
      return error(Code::kInvalid, "Cannot binarize a sparse matrix with threshold < 0");
    SparseRows to(t.rows, t.columns, t.starts[t.rows], work);
    for (size_t r = 0; r < t.rows; ++r) {
      each_entry(t, r, [&](uint32_t c, double v) {
        if (v > threshold) to.add(c, 1);
      });
      to.end_row();
    }
    to.show(out);
    return {};
  }
};

class Normalizer : public Transformer {
 public:
  enum class Norm : uint8_t { kL1, kL2, kMax, kSignedMax } norm = Norm::kL2;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t));
    bool sparse = t.form == Table::Form::kSparse;
    size_t count = sparse ? t.starts[t.rows] : t.rows * t.columns;
    std::span<double> to =
        sparse ? work.take<double>(count) : dense_output(t.rows, t.columns, work, out);
    const double* from = sparse ? t.values : t.dense;
    for (size_t r = 0; r < t.rows; ++r) {
      size_t begin = sparse ? t.starts[r] : r * t.columns;
      size_t end = sparse ? t.starts[r + 1] : begin + t.columns;
      double n = norm_of(from + begin, end - begin);
      for (size_t i = begin; i < end; ++i) to[i] = from[i] / n;
    }
    if (!sparse) return {};
    out = t;
    out.values = to.data();
    return {};
  }

 private:
  double norm_of(const double* x, size_t n) const {
    double s = norm == Norm::kSignedMax && n != 0 ? x[0] : 0;
    for (size_t i = 0; i < n; ++i) {
      if (norm == Norm::kL1) s += std::abs(x[i]);
      if (norm == Norm::kL2) s += x[i] * x[i];
      if (norm == Norm::kMax) s = std::max(s, std::abs(x[i]));
      if (norm == Norm::kSignedMax) s = std::max(s, x[i]);
    }
    if (norm == Norm::kL2) s = std::sqrt(s);
    return s == 0 ? 1 : s;
  }
};

// A centred kernel matrix: minus the means of the training columns and of its own rows.
class KernelCenterer : public Transformer {
 public:
  std::vector<double> columns;
  double all = 0;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    size_t n = columns.size();
    if (in.columns != n)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", n, " features as input."));
    TRY(std::span<double> to, sized_output(in.rows, n, work, out));
    for (size_t r = 0; r < in.rows; ++r) {
      double mean = 0;
      for (size_t c = 0; c < n; ++c) mean += x[r * n + c];
      mean /= static_cast<double>(n);
      for (size_t c = 0; c < n; ++c) to[r * n + c] = x[r * n + c] - columns[c] - mean + all;
    }
    return {};
  }
};

}  // namespace

Made make_binarizer(const Attributes& a, Maker&) {
  auto b = std::make_unique<Binarizer>();
  TRY(b->threshold, a.number({"threshold"}));
  return b;
}

Made make_normalizer(const Attributes& a, Maker& maker) {
  auto n = std::make_unique<Normalizer>();
  TRY(std::string norm, a.text({"norm"}));
  bool old = maker.release().major == 0 && maker.release().minor < 24;
  if (norm == "l1")
    n->norm = Normalizer::Norm::kL1;
  else if (norm == "max")
    n->norm = old ? Normalizer::Norm::kSignedMax : Normalizer::Norm::kMax;
  else if (norm != "l2")
    return a.unsupported(str("the norm ", norm));
  return n;
}

Made make_kernel_centerer(const Attributes& a, Maker&) {
  auto k = std::make_unique<KernelCenterer>();
  TRY(k->columns, a.vector({"K_fit_rows_"}));
  TRY(k->all, a.number({"K_fit_all_"}));
  if (k->columns.empty()) return a.wrong("K_fit_rows_ is empty");
  k->width = k->columns.size();
  return k;
}

}  // namespace proa::engines
