// VotingClassifier and VotingRegressor.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"

namespace proa::engines::meta {
namespace {

using pickle::Node;

class VotingClassifier : public Classifier {
 public:
  std::vector<Part> parts;
  std::vector<double> weights;  // one a part
  bool soft = false, flatten = true;
  void set_labels(Labels l) { labels_ = std::move(l); }

  bool has(Method m) const override {
    if (m == Method::kPredict) return true;
    if (m == Method::kTransform) return !soft || flatten;
    return soft && m == Method::kPredictProba;
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    size_t k = labels_.size();
    std::span<double> all = work.zeros<double>(in.rows * k);
    for (size_t i = 0; i < parts.size(); ++i) {
      Workspace::Mark mark = work.mark();
      TRY_STATUS(soft ? add_soft(i, in, work, all) : add_hard(i, in, work, all));
      work.release(mark);
    }
    if (m == Method::kPredictProba) {
      double sum = 0;
      for (double w : weights) sum += w;
      for (double& v : all) v /= sum;
      out.first = inference::matrix_of(all.data(), in.rows, k);
    } else {
      double sum = 0;
      for (double w : weights) sum += w;
      for (double& v : all) v = soft ? v / sum : v;
      out.first = labels_.pick(argmax_rows(all.data(), in.rows, k, work), work);
    }
    return {};
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    size_t k = soft ? labels_.size() : 1, n = parts.size();
    std::span<double> all = dense_output(in.rows, n * k, work, out);
    if (!soft) out.type = DataType::kInt64;
    for (size_t i = 0; i < n; ++i) {
      Workspace::Mark mark = work.mark();
      Method m = soft ? Method::kPredictProba : Method::kPredict;
      TRY(const double* p, ask_exactly(*parts[i], m, in, work, k));
      for (size_t r = 0; r < in.rows; ++r) std::copy_n(p + r * k, k, all.data() + (r * n + i) * k);
      work.release(mark);
    }
    return {};
  }

 private:
  Status add_soft(size_t i, const Table& in, Workspace& work, std::span<double> all) const {
    TRY(const double* p, ask_exactly(*parts[i], Method::kPredictProba, in, work, labels_.size()));
    for (size_t j = 0; j < all.size(); ++j) all[j] += weights[i] * p[j];
    return {};
  }
  // The parts were fitted with the places of the classes.
  Status add_hard(size_t i, const Table& in, Workspace& work, std::span<double> all) const {
    TRY(const double* p, ask_exactly(*parts[i], Method::kPredict, in, work, 1));
    size_t k = labels_.size();
    for (size_t r = 0; r < in.rows; ++r) {
      if (!(p[r] >= 0 && p[r] < static_cast<double>(k)))
        return error(Code::kInvalid, str(name, ": a part predicts no class of it"));
      all[r * k + static_cast<size_t>(p[r])] += weights[i];
    }
    return {};
  }
};

class VotingRegressor : public Estimator {
 public:
  std::vector<Part> parts;
  std::vector<double> weights;
  bool has(Method m) const override { return m == Method::kPredict || m == Method::kTransform; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    Table all;
    TRY_STATUS(transform(in, work, all));
    std::span<double> mean = work.take<double>(in.rows);
    size_t k = parts.size();
    double total = 0;
    for (double w : weights) total += w;
    for (size_t r = 0; r < in.rows; ++r) {
      double sum = 0;
      for (size_t i = 0; i < k; ++i) sum += all.dense[r * k + i] * weights[i];
      mean[r] = sum / total;
    }
    out.first = inference::vector_of(mean);
    return {};
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    size_t k = parts.size();
    std::span<double> all = dense_output(in.rows, k, work, out);
    for (size_t i = 0; i < k; ++i) {
      Workspace::Mark mark = work.mark();
      TRY(const double* p, ask_exactly(*parts[i], Method::kPredict, in, work, 1));
      for (size_t r = 0; r < in.rows; ++r) all[r * k + i] = p[r];
      work.release(mark);
    }
    return {};
  }
};

// The weights of the parts that were not dropped; ones where there are none.
Result<std::vector<double>> weights_of(const Attributes& a, size_t parts) {
  if (!a.has("weights")) return std::vector<double>(parts, 1.0);
  TRY(std::vector<double> all, a.vector({"weights"}));
  TRY(std::vector<const Node*> list, a.list({"estimators"}));
  if (list.size() != all.size()) return a.wrong("weights are not as many as estimators");
  std::vector<double> kept;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::vector<Node*>& pair = list[i]->items;
    if (pair.size() < 2) return a.wrong("estimators is malformed");
    if (pair[1]->kind != pickle::Kind::kNone && !is_text(pair[1], "drop")) kept.push_back(all[i]);
  }
  if (kept.size() != parts) return a.wrong("weights are not as many as estimators_");
  double sum = 0;
  for (double w : kept) sum += w;
  if (sum == 0) return a.wrong("its weights sum to zero");
  return kept;
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_voting_classifier(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<VotingClassifier>();
  TRY(std::string voting, a.text({"voting"}));
  if (voting != "soft" && voting != "hard") return a.unsupported(str("voting ", voting));
  out->soft = voting == "soft";
  // None, the default to 0.20, did not flatten.
  TRY(out->flatten, a.flag("flatten_transform", !a.find("flatten_transform")));
  TRY(Labels labels, a.labels("classes_"));
  if (labels.size() == 0) return a.wrong("it has no classes");
  TRY(out->parts,
      make_parts(a, {"estimators_"}, maker, out->soft ? Method::kPredictProba : Method::kPredict));
  TRY(out->weights, weights_of(a, out->parts.size()));
  out->set_labels(std::move(labels));
  out->features = width_of(out->parts);
  return out;
}

Result<std::unique_ptr<Estimator>> make_voting_regressor(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<VotingRegressor>();
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  TRY(out->weights, weights_of(a, out->parts.size()));
  out->features = width_of(out->parts);
  return out;
}

}  // namespace proa::engines::meta
