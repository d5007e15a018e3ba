// BaggingClassifier and BaggingRegressor: each part sees its own columns.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"

namespace proa::engines::meta {
namespace {

struct Bag {
  std::vector<Part> parts;
  std::vector<std::vector<uint32_t>> columns;  // of each part; all if empty
  size_t width = 0;

  bool all_have(Method m) const {
    return std::all_of(parts.begin(), parts.end(), [m](const Part& p) { return p->has(m); });
  }
  void rows_of(size_t i, const Table& in, Workspace& work, Table& rows) const {
    rows = in;
    if (!columns.empty()) select_columns(in, columns[i], work, rows);
    rows.names = {};
  }
};

double log_add(double a, double b) {
  if (a == b) return a + std::log(2.0);
  double top = std::max(a, b), low = std::min(a, b);
  return top + std::log1p(std::exp(low - top));
}

class BaggingClassifier : public Classifier {
 public:
  Bag bag;
  std::vector<std::vector<uint32_t>> places;  // of each part's classes among ours
  void set_labels(Labels l) { labels_ = std::move(l); }

  bool has(Method m) const override {
    if (m == Method::kPredict || m == Method::kPredictProba || m == Method::kPredictLogProba)
      return true;
    return m == Method::kDecisionFunction && bag.all_have(m);
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY_STATUS(check_width(in, *this));
    if (m == Method::kDecisionFunction) return mean_decision(in, work, out);
    bool logs = m == Method::kPredictLogProba, direct = logs && bag.all_have(m);
    size_t k = labels_.size();
    std::span<double> all = work.take<double>(in.rows * k);
    std::fill(all.begin(), all.end(), direct ? -INFINITY : 0.0);
    for (size_t i = 0; i < bag.parts.size(); ++i) {
      Workspace::Mark mark = work.mark();
      Table rows;
      bag.rows_of(i, in, work, rows);
      if (bag.parts[i]->has(Method::kPredictProba))
        TRY_STATUS(add(i, direct ? m : Method::kPredictProba, rows, work, all));
      else
        TRY_STATUS(vote(i, rows, work, all));
      work.release(mark);
    }
    double n = static_cast<double>(bag.parts.size());
    for (double& v : all) v = direct ? v - std::log(n) : v / n;
    if (logs && !direct)
      for (double& v : all) v = std::log(v);
    if (m == Method::kPredict)
      out.first = labels_.pick(argmax_rows(all.data(), in.rows, k, work), work);
    else
      out.first = inference::matrix_of(all.data(), in.rows, k);
    return {};
  }

 private:
  Status add(size_t i, Method m, const Table& rows, Workspace& work, std::span<double> all) const {
    const std::vector<uint32_t>& to = places[i];
    size_t k = labels_.size(), have = to.size();
    TRY(const double* p, ask_exactly(*bag.parts[i], m, rows, work, have));
    for (size_t r = 0; r < rows.rows; ++r)
      for (size_t c = 0; c < have; ++c) {
        double& sum = all[r * k + to[c]];
        sum = m == Method::kPredictLogProba ? log_add(sum, p[r * have + c]) : sum + p[r * have + c];
      }
    return {};
  }
  Status vote(size_t i, const Table& rows, Workspace& work, std::span<double> all) const {
    size_t k = labels_.size();
    TRY(const double* p, ask_exactly(*bag.parts[i], Method::kPredict, rows, work, 1));
    for (size_t r = 0; r < rows.rows; ++r) {
      if (!(p[r] >= 0 && p[r] < static_cast<double>(k)))
        return error(Code::kInvalid, str(name, ": a part predicts no class of it"));
      all[r * k + static_cast<size_t>(p[r])] += 1;
    }
    return {};
  }
  Status mean_decision(const Table& in, Workspace& work, Output& out) const {
    size_t columns = labels_.size() == 2 ? 1 : labels_.size();
    std::span<double> all = work.zeros<double>(in.rows * columns);
    for (size_t i = 0; i < bag.parts.size(); ++i) {
      Workspace::Mark mark = work.mark();
      Table rows;
      bag.rows_of(i, in, work, rows);
      TRY(const double* p,
          ask_exactly(*bag.parts[i], Method::kDecisionFunction, rows, work, columns));
      for (size_t j = 0; j < all.size(); ++j) all[j] += p[j];
      work.release(mark);
    }
    for (double& v : all) v /= static_cast<double>(bag.parts.size());
    out.first = columns == 1 ? inference::vector_of(all)
                             : inference::matrix_of(all.data(), in.rows, columns);
    return {};
  }
};

class BaggingRegressor : public Estimator {
 public:
  Bag bag;
  bool has(Method m) const override { return m == Method::kPredict; }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY_STATUS(check_width(in, *this));
    std::span<double> sum;
    size_t columns = 0;
    uint8_t rank = 1;
    for (size_t i = 0; i < bag.parts.size(); ++i) {
      Table rows;
      bag.rows_of(i, in, work, rows);
      Output one;
      TRY_STATUS(bag.parts[i]->predict(m, rows, work, one));
      TRY(const double* p, numbers(one.first, work));
      size_t wide = one.first.rank == 2 ? one.first.shape[1] : 1;
      if (i == 0) sum = work.zeros<double>(in.rows * (columns = wide)), rank = one.first.rank;
      if (wide != columns || one.first.shape[0] != in.rows)
        return error(Code::kInvalid, str(name, ": its parts have different outputs"));
      for (size_t j = 0; j < sum.size(); ++j) sum[j] += p[j];
    }
    for (double& v : sum) v /= static_cast<double>(bag.parts.size());
    out.first =
        rank == 1 ? inference::vector_of(sum) : inference::matrix_of(sum.data(), in.rows, columns);
    return {};
  }
};

// The columns of each part must be inside of the width, which the file must then say.
Result<Bag> make_bag(const Attributes& a, Maker& maker) {
  Bag bag;
  TRY(bag.parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  TRY(int64_t width, a.integer({"n_features_in_", "n_features_"}));
  if (width < 1 || width > INT32_MAX) return a.wrong("n_features_in_ is out of bounds");
  bag.width = static_cast<size_t>(width);
  TRY(std::vector<const pickle::Node*> lists, a.list({"estimators_features_"}));
  if (lists.size() != bag.parts.size())
    return a.wrong("estimators_features_ is not as long as estimators_");
  bool all = true;
  for (size_t i = 0; i < lists.size(); ++i) {
    std::vector<uint32_t>& to = bag.columns.emplace_back();
    if (lists[i]->type_name().ends_with(".slice") || lists[i]->kind != pickle::Kind::kArray)
      return a.unsupported(str("estimators_features_ of ", lists[i]->describe()));
    TRY(std::vector<int64_t> v, pickle::integers(*lists[i]->array).context(a.class_name()));
    for (int64_t c : v) {
      if (c < 0 || c >= width) return a.wrong("estimators_features_ is out of bounds");
      all = all && static_cast<size_t>(c) == to.size();
      to.push_back(static_cast<uint32_t>(c));
    }
    all = all && to.size() == bag.width;
    if (bag.parts[i]->features != 0 && bag.parts[i]->features != to.size())
      return a.wrong("a part expects other columns than it gets");
  }
  if (all) bag.columns.clear();
  return bag;
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_bagging_classifier(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<BaggingClassifier>();
  TRY(out->bag, make_bag(a, maker));
  TRY(Labels labels, a.labels("classes_"));
  size_t k = labels.size();
  if (k == 0) return a.wrong("it has no classes");
  for (const Part& p : out->bag.parts) {
    std::vector<uint32_t>& to = out->places.emplace_back();
    const Labels* own = p->labels();
    for (size_t c = 0; c < (own && own->size() != k ? own->size() : k); ++c) {
      int64_t at = static_cast<int64_t>(c);
      if (own && own->size() != k) {  // a part that met only some classes names their places
        if (own->integers.size() != own->size()) return a.wrong("a part has classes of its own");
        at = own->integers[c];
      }
      if (at < 0 || at >= static_cast<int64_t>(k)) return a.wrong("a part has classes of its own");
      to.push_back(static_cast<uint32_t>(at));
    }
  }
  out->set_labels(std::move(labels));
  out->features = out->bag.width;
  return out;
}

Result<std::unique_ptr<Estimator>> make_bagging_regressor(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<BaggingRegressor>();
  TRY(out->bag, make_bag(a, maker));
  out->features = out->bag.width;
  return out;
}

}  // namespace proa::engines::meta
