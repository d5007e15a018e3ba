// One part an output: MultiOutputClassifier, MultiOutputRegressor, and the chains, whose parts see
// the answers of the parts before them.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"

namespace proa::engines::meta {
namespace {

class MultiOutput : public Estimator {
 public:
  std::vector<Part> parts;
  bool classifier = false;

  bool has(Method m) const override {
    return m == Method::kPredict ||
           (classifier && m == Method::kPredictProba &&
            std::all_of(parts.begin(), parts.end(), [m](const Part& p) { return p->has(m); }));
  }
  inference::TensorInfo output_info(Method m) const override {
    inference::TensorInfo info = parts[0]->output_info(m);
    if (m == Method::kPredict) info.shape = {static_cast<int64_t>(parts.size())};
    return info;
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    std::span<Values> all = work.take<Values>(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      Output one;
      TRY_STATUS(parts[i]->predict(m, in, work, one));
      if (one.count() != 1 || one.first.shape[0] != in.rows)
        return error(Code::kUnimplemented, str(name, ": a part with several outputs"));
      all[i] = one.first;
    }
    if (m == Method::kPredictProba) {
      out.first = all[0];
      out.rest = all.subspan(1);
      return {};
    }
    TRY(out.first, beside(all, in.rows, work));
    return {};
  }
};

class Chain : public Estimator {
 public:
  std::vector<Part> parts;
  std::vector<uint32_t> order;
  Method feeds = Method::kPredict;  // what the next part sees
  size_t width = 0;
  bool classifier = false;
  bool second_of_many = false;  // up to release 1.4: the second class's probability, of any number

  bool has(Method m) const override {
    if (m == Method::kPredict) return true;
    if (m == Method::kPredictLogProba) m = Method::kPredictProba;  // its logarithm
    bool known = classifier && (m == Method::kPredictProba || m == Method::kDecisionFunction);
    return known &&
           std::all_of(parts.begin(), parts.end(), [m](const Part& p) { return p->has(m); });
  }
  inference::TensorInfo output_info(Method) const override {
    return {"", DataType::kFp64, {static_cast<int64_t>(parts.size())}};
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    bool logs = m == Method::kPredictLogProba;
    if (logs) m = Method::kPredictProba;
    size_t n = in.rows, k = parts.size(), w = in.columns;
    std::span<double> rows = work.take<double>(n * (w + k));
    std::span<double> fed = work.take<double>(n * k), said = work.take<double>(n * k);
    for (size_t i = 0; i < k; ++i) {
      size_t wide = w + i;
      for (size_t r = 0; r < n; ++r) {
        std::copy_n(x + r * w, w, rows.data() + r * wide);
        std::copy_n(fed.data() + r * k, i, rows.data() + r * wide + w);
      }
      Table table;
      table.rows = n, table.columns = wide, table.dense = rows.data();
      Workspace::Mark mark = work.mark();
      TRY_STATUS(column(*parts[i], feeds, table, work, fed, i));
      TRY_STATUS(column(*parts[i], m, table, work, said, order[i], m == feeds ? &fed : nullptr, i));
      work.release(mark);
    }
    for (double& v : said) v = logs ? std::log(v) : v;
    out.first = inference::matrix_of(said.data(), n, k);
    return {};
  }

 private:
  // The answer about the second class of two, or the only one, as column `to` of `all`.
  Status column(const Estimator& e, Method m, const Table& in, Workspace& work,
                std::span<double> all, size_t to, const std::span<double>* known = nullptr,
                size_t from = 0) const {
    size_t k = parts.size(), columns = 0;
    if (known) {
      for (size_t r = 0; r < in.rows; ++r) all[r * k + to] = (*known)[r * k + from];
      return {};
    }
    TRY(const double* v, ask(e, m, in, work, columns));
    bool many = columns > 2 && !(second_of_many && m == Method::kPredictProba);
    if (many || columns == 0)
      return error(Code::kUnimplemented, str(name, ": a part of more than two classes"));
    size_t shown = columns == 1 ? 0 : 1;
    for (size_t r = 0; r < in.rows; ++r) all[r * k + to] = v[r * columns + shown];
    return {};
  }
};

Result<std::unique_ptr<Estimator>> make_chain(const Attributes& a, Maker& maker, bool classifier) {
  auto out = std::make_unique<Chain>();
  out->classifier = classifier;
  out->second_of_many =
      maker.release() != Maker::Release{} && maker.release() < Maker::Release{1, 5};
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  TRY(std::vector<int64_t> order, a.integers({"order_"}));
  size_t k = out->parts.size();
  std::vector<bool> seen(k);
  if (order.size() != k) return a.wrong("order_ is not as long as estimators_");
  for (int64_t i : order) {
    if (i < 0 || i >= static_cast<int64_t>(k) || seen[static_cast<size_t>(i)])
      return a.wrong("order_ is no order of the outputs");
    seen[static_cast<size_t>(i)] = true;
    out->order.push_back(static_cast<uint32_t>(i));
  }
  if (a.has("chain_method_")) {
    TRY(std::string method, a.text({"chain_method_"}));
    std::optional<Method> feeds = inference::method(method);
    if (!feeds) return a.unsupported(str("chain_method ", method));
    out->feeds = *feeds;
  }
  for (size_t i = 0; i < k; ++i) {
    const Part& p = out->parts[i];
    if (!p->has(out->feeds)) return a.wrong("a part does not have chain_method");
    if (classifier && p->labels() && p->labels()->size() > 2 && out->feeds != Method::kPredict)
      return a.unsupported("a chain over more than two classes");
    if (p->labels() && !p->labels()->texts.empty())
      return a.unsupported("a chain over classes that are texts");
  }
  out->features = out->parts[0]->features;
  return out;
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_multi_output_classifier(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<MultiOutput>();
  out->classifier = true;
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  out->features = width_of(out->parts);
  return out;
}

Result<std::unique_ptr<Estimator>> make_multi_output_regressor(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<MultiOutput>();
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  out->features = width_of(out->parts);
  return out;
}

Result<std::unique_ptr<Estimator>> make_classifier_chain(const Attributes& a, Maker& maker) {
  return make_chain(a, maker, true);
}

Result<std::unique_ptr<Estimator>> make_regressor_chain(const Attributes& a, Maker& maker) {
  return make_chain(a, maker, false);
}

}  // namespace proa::engines::meta
