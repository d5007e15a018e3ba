#include "models/engines/sklearn/features/selection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "foundation/base/strings.h"

namespace proa::engines {

ColumnSelector::ColumnSelector(const std::vector<bool>& support, Missing missing)
    : place_(support.size(), UINT32_MAX), missing_(missing) {
  for (uint32_t c = 0; c < support.size(); ++c) {
    if (!support[c]) continue;
    place_[c] = static_cast<uint32_t>(columns_.size());
    columns_.push_back(c);
  }
  width = columns_.size();
}

Status ColumnSelector::transform(const Table& in, Workspace& work, Table& out) const {
  Table t;
  TRY_STATUS(numeric_input(in, *this, work, t, missing_));
  if (t.columns != place_.size())
    return error(Code::kInvalid, str("X has ", t.columns, " features, but ", name, " is expecting ",
                                     place_.size(), " features as input."));
  if (t.form == Table::Form::kDense) {
    TRY(std::span<double> to, sized_output(t.rows, columns_.size(), work, out));
    double* at = to.data();
    for (size_t r = 0; r < t.rows; ++r)
      for (uint32_t c : columns_) *at++ = t.row(r)[c];
    out.type = t.type;
    return {};
  }
  SparseRows to(t.rows, columns_.size(), t.starts[t.rows], work);
  for (size_t r = 0; r < t.rows; ++r) {
    each_entry(t, r, [&](uint32_t c, double v) {
      if (place_[c] != UINT32_MAX) to.add(place_[c], v);
    });
    to.end_row();
  }
  to.show(out);
  return {};
}

namespace {

using Support = std::vector<bool>;

std::vector<double> without_nan(std::vector<double> v) {
  for (double& x : v)
    if (std::isnan(x)) x = std::numeric_limits<double>::lowest();
  return v;
}

Result<std::vector<double>> read_scores(const Attributes& a) {
  TRY(std::vector<double> scores, a.vector({"scores_"}, Attributes::Finite::kAny));
  TRY_STATUS(check_features(a, scores.size()));
  return without_nan(std::move(scores));
}

Result<std::vector<double>> read_p_values(const Attributes& a) {
  TRY(std::vector<double> p, a.vector({"pvalues_"}, Attributes::Finite::kAny));
  TRY_STATUS(check_features(a, p.size()));
  return p;
}

// The k last of a stable sort.
Support best(const std::vector<double>& scores, size_t k) {
  std::vector<uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t x, uint32_t y) { return scores[x] < scores[y]; });
  Support out(scores.size(), false);
  k = std::min(k, order.size());
  for (size_t i = order.size() - k; i < order.size(); ++i) out[order[i]] = true;
  return out;
}

// numpy.percentile, linear between the two nearest.
double percentile(std::vector<double> v, double q) {
  std::sort(v.begin(), v.end());
  double at = q / 100 * static_cast<double>(v.size() - 1);
  size_t below = std::min(static_cast<size_t>(at), v.size() - 1);
  size_t above = std::min(below + 1, v.size() - 1);
  double share = at - static_cast<double>(below), gap = v[above] - v[below];
  return share >= 0.5 ? v[above] - gap * (1 - share) : v[below] + gap * share;
}

Support best_percent(const std::vector<double>& scores, double percent) {
  size_t n = scores.size();
  if (percent == 100 || percent == 0 || n == 0) return Support(n, percent == 100);
  double threshold = percentile(scores, 100 - percent);
  Support out(n);
  size_t chosen = 0;
  for (size_t i = 0; i < n; ++i) chosen += (out[i] = scores[i] > threshold);
  size_t most = static_cast<size_t>(static_cast<double>(n) * percent / 100);
  for (size_t i = 0; i < n && chosen < most; ++i)
    if (scores[i] == threshold) out[i] = true, ++chosen;
  return out;
}

Support below(const std::vector<double>& p, double alpha) {
  Support out;
  for (double v : p) out.push_back(v < alpha);
  return out;
}

// Benjamini and Hochberg's bound on the share of false discoveries.
Support false_discoveries(const std::vector<double>& p, double alpha) {
  std::vector<double> sorted = p;
  std::sort(sorted.begin(), sorted.end());
  double n = static_cast<double>(p.size()), bound = -1;
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] <= alpha / n * static_cast<double>(i + 1)) bound = sorted[i];
  Support out;
  for (double v : p) out.push_back(bound >= 0 && v <= bound);
  return out;
}

Made selector(const Support& support, Missing missing = Missing::kRefused) {
  return std::make_unique<ColumnSelector>(support, missing);
}

Made by_k(const Attributes& a, std::string_view name) {
  TRY(std::vector<double> scores, read_scores(a));
  const pickle::Node* k = a.find(name);
  if (k && k->kind == pickle::Kind::kStr) {
    if (k->text != "all") return a.wrong(str(name, " is '", k->text, "'"));
    return selector(Support(scores.size(), true));
  }
  TRY(int64_t count, a.integer({name}));
  if (count < 0) return a.wrong(str(name, " is negative"));
  return selector(best(scores, static_cast<size_t>(count)));
}

Made by_percent(const Attributes& a, std::string_view name) {
  TRY(std::vector<double> scores, read_scores(a));
  TRY(double percent, a.number({name}));
  if (!(percent >= 0 && percent <= 100)) return a.wrong(str(name, " is out of range"));
  return selector(best_percent(scores, percent));
}

Made by_p(const Attributes& a, std::string_view mode, std::string_view name) {
  TRY(std::vector<double> p, read_p_values(a));
  TRY(double alpha, a.number({name}));
  if (mode == "fdr") return selector(false_discoveries(p, alpha));
  if (mode == "fwe") alpha /= static_cast<double>(p.size());
  return selector(below(p, alpha));
}

}  // namespace

Made make_select_k_best(const Attributes& a, Maker&) { return by_k(a, "k"); }

Made make_select_percentile(const Attributes& a, Maker&) { return by_percent(a, "percentile"); }

Made make_select_by_p(const Attributes& a, Maker&) {
  std::string_view name = a.class_name();
  return by_p(a, name == "SelectFdr" ? "fdr" : name == "SelectFwe" ? "fwe" : "fpr", "alpha");
}

Made make_generic_univariate(const Attributes& a, Maker&) {
  TRY(std::string mode, a.text({"mode"}));
  if (mode == "k_best") return by_k(a, "param");
  if (mode == "percentile") return by_percent(a, "param");
  if (mode == "fpr" || mode == "fdr" || mode == "fwe") return by_p(a, mode, "param");
  return a.unsupported(str("mode='", mode, "'"));
}

Made make_variance_threshold(const Attributes& a, Maker&) {
  TRY(std::vector<double> variances, a.vector({"variances_"}, Attributes::Finite::kAny));
  TRY(double threshold, a.number({"threshold"}));
  TRY_STATUS(check_features(a, variances.size()));
  Support support;
  for (double v : variances) support.push_back(v > threshold);
  return selector(support, Missing::kNanAllowed);
}

Made make_support_selector(const Attributes& a, Maker&) {
  TRY(std::vector<int64_t> kept, a.integers({"support_"}));
  TRY_STATUS(check_features(a, kept.size()));
  return selector(Support(kept.begin(), kept.end()), Missing::kAllowed);
}

namespace {

// "mean", "1.25*median" or a number.
Result<double> read_threshold(const Attributes& a, const Attributes& inner,
                              std::vector<double> scores) {
  const pickle::Node* node = a.find("threshold");
  std::string text;
  if (!node || node->kind == pickle::Kind::kNone) {
    bool l1 = contains(inner.class_name(), "Lasso");
    if (inner.has("penalty") && inner.find("penalty")->text == "l1") l1 = true;
    if (l1) return 1e-5;
    text = "mean";
  } else if (node->kind == pickle::Kind::kStr) {
    text = node->text;
  } else {
    return a.number({"threshold"});
  }
  double factor = 1;
  size_t star = text.find('*');
  if (star != std::string::npos) {
    auto number = parse_double(trim(std::string_view(text).substr(0, star)));
    if (!number) return a.wrong(str("threshold is '", text, "'"));
    factor = *number;
    text = trim(std::string_view(text).substr(star + 1));
  }
  if (text == "median") return factor * percentile(std::move(scores), 50);
  if (text != "mean") return a.wrong(str("threshold is '", text, "'"));
  double sum = 0;
  for (double s : scores) sum += s;
  return factor * (sum / static_cast<double>(scores.size()));
}

}  // namespace

Made make_select_from_model(const Attributes& a, Maker&) {
  TRY(Attributes inner, a.object({"estimator_", "estimator"}));
  double order = 1;
  if (a.has("norm_order")) {
    TRY(order, a.number({"norm_order"}));
  }
  const pickle::Node* getter = a.find("importance_getter");
  if (getter && getter->kind != pickle::Kind::kStr)
    return a.unsupported("an importance_getter of one's own");
  TRY(std::vector<double> scores, importances(inner, getter ? getter->text : "auto", order));
  if (scores.empty()) return a.wrong("the estimator has no features");
  TRY_STATUS(check_features(a, scores.size()));
  TRY(double threshold, read_threshold(a, inner, scores));
  Support support(scores.size(), true);
  if (a.has("max_features")) {
    TRY(int64_t most, a.integer({"max_features_", "max_features"}));
    if (most < 0) return a.wrong("max_features is negative");
    std::vector<double> turned;  // of equal ones the first are chosen
    for (double s : scores) turned.push_back(-s);
    Support out = best(turned, turned.size() - std::min<size_t>(turned.size(), size_t(most)));
    for (size_t i = 0; i < out.size(); ++i) support[i] = !out[i];
  }
  for (size_t i = 0; i < scores.size(); ++i)
    if (scores[i] < threshold) support[i] = false;
  return selector(support, Missing::kAllowed);
}

namespace {

// Chosen columns, and the estimator that was fitted on them.
class Elimination : public ColumnSelector {
 public:
  using ColumnSelector::ColumnSelector;
  std::unique_ptr<Estimator> inner;

  bool has(Method m) const override {
    return m == Method::kTransform || (inner->has(m) && m <= Method::kDecisionFunction);
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    Table chosen;
    TRY_STATUS(transform(in, work, chosen));
    return inner->predict(method, chosen, work, out);
  }
  const Labels* labels() const override { return inner->labels(); }
  inference::TensorInfo output_info(Method m) const override {
    return m == Method::kTransform ? ColumnSelector::output_info(m) : inner->output_info(m);
  }
};

}  // namespace

Made make_rfe(const Attributes& a, Maker& maker) {
  TRY(std::vector<int64_t> kept, a.integers({"support_"}));
  TRY_STATUS(check_features(a, kept.size()));
  auto e = std::make_unique<Elimination>(Support(kept.begin(), kept.end()), Missing::kAllowed);
  TRY(Attributes inner, a.object({"estimator_"}));
  TRY(e->inner, maker.make(&inner.node()));
  if (e->inner->features != 0 && e->inner->features != e->width)
    return a.wrong("estimator_ has another number of features than support_ chooses");
  return e;
}

}  // namespace proa::engines
