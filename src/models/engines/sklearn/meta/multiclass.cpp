// OneVsRestClassifier, OneVsOneClassifier and OutputCodeClassifier: many two-class parts.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"

namespace proa::engines::meta {
namespace {

// Scores of all parts, rows × parts. Scratch memory of each part is given back.
Result<std::span<double>> all_scores(const std::vector<Part>& parts, const Table& in,
                                     Workspace& work) {
  size_t k = parts.size();
  std::span<double> all = work.take<double>(in.rows * k), one = work.take<double>(in.rows);
  for (size_t i = 0; i < k; ++i) {
    Workspace::Mark mark = work.mark();
    TRY_STATUS(binary_scores(*parts[i], in, work, one));
    work.release(mark);
    for (size_t r = 0; r < in.rows; ++r) all[r * k + i] = one[r];
  }
  return all;
}

// _ConstantPredictor: what OneVsRest has for a label that all or no rows had.
class Constant : public Estimator {
 public:
  double y = 0;
  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction || m == Method::kPredictProba;
  }
  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    bool proba = m == Method::kPredictProba;
    std::span<double> v = work.take<double>(in.rows * (proba ? 2 : 1));
    for (size_t i = 0; i < v.size(); ++i) v[i] = proba && i % 2 == 0 ? 1 - y : y;
    out.first = proba ? inference::matrix_of(v.data(), in.rows, 2) : inference::vector_of(v);
    return {};
  }
};

class OneVsRest : public Classifier {
 public:
  std::vector<Part> parts;
  bool multilabel = false, multiclass = false;
  double threshold = 0;

  const Labels* labels() const override { return multilabel ? nullptr : &labels_; }
  inference::TensorInfo output_info(Method m) const override {
    if (m == Method::kPredict && multilabel)
      return {"", DataType::kInt64, {static_cast<int64_t>(parts.size())}};
    return Classifier::output_info(m);
  }
  void set_labels(Labels l) { labels_ = std::move(l); }

  bool has(Method m) const override {
    if (m == Method::kPredict) return true;
    if (m != Method::kPredictProba && m != Method::kDecisionFunction) return false;
    for (const Part& p : parts)
      if (!p->has(m)) return false;
    return true;
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    if (m == Method::kPredictProba) return probabilities(in, work, out);
    TRY(std::span<double> s, all_scores(parts, in, work));
    size_t k = parts.size();
    if (m == Method::kDecisionFunction) {
      out.first = k == 1 ? inference::vector_of(s) : inference::matrix_of(s.data(), in.rows, k);
      return {};
    }
    if (multilabel) return indicator(s, in.rows, work, out);
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      best[r] = !multiclass && k == 1 && s[r] > threshold ? 1 : 0;
      double top = -INFINITY;
      for (size_t c = 0; multiclass && c < k; ++c)
        if (s[r * k + c] >= top) top = s[r * k + c], best[r] = static_cast<uint32_t>(c);
    }
    out.first = labels_.pick(best, work);
    return {};
  }

 private:
  Status probabilities(const Table& in, Workspace& work, Output& out) const {
    size_t k = parts.size(), columns = k == 1 ? 2 : k;
    std::span<double> all = work.take<double>(in.rows * columns);
    for (size_t i = 0; i < k; ++i) {
      Workspace::Mark mark = work.mark();
      TRY(const double* p, ask_exactly(*parts[i], Method::kPredictProba, in, work, 2));
      for (size_t r = 0; r < in.rows; ++r) {
        if (k == 1) all[2 * r] = 1 - p[2 * r + 1];
        all[r * columns + (k == 1 ? 1 : i)] = p[2 * r + 1];
      }
      work.release(mark);
    }
    for (size_t r = 0; r < in.rows && !multilabel; ++r) {
      double sum = 0;
      for (size_t c = 0; c < columns; ++c) sum += all[r * columns + c];
      for (size_t c = 0; c < columns; ++c) all[r * columns + c] /= sum;
    }
    out.first = inference::matrix_of(all.data(), in.rows, columns);
    return {};
  }

  Status indicator(std::span<const double> s, size_t rows, Workspace& work, Output& out) const {
    std::span<int64_t> cells = work.take<int64_t>(s.size());
    for (size_t i = 0; i < s.size(); ++i) cells[i] = s[i] > threshold ? 1 : 0;
    out.first = {DataType::kInt64, 2, {rows, parts.size()}, nullptr, cells.data(), nullptr};
    return {};
  }
};

class OneVsOne : public Classifier {
 public:
  std::vector<Part> parts;
  std::vector<std::vector<uint32_t>> columns;  // of a part, where it was fitted with a kernel
  double threshold = 0;

  void set_labels(Labels l) { labels_ = std::move(l); }
  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction;
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    size_t k = labels_.size();
    TRY(std::span<double> votes, ballot(in, work));
    if (m == Method::kDecisionFunction && k > 2) {
      out.first = inference::matrix_of(votes.data(), in.rows, k);
      return {};
    }
    if (k > 2) {
      out.first = labels_.pick(argmax_rows(votes.data(), in.rows, k, work), work);
      return {};
    }
    std::span<double> second = work.take<double>(in.rows);
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      second[r] = votes[2 * r + 1];
      best[r] = second[r] > threshold ? 1 : 0;
    }
    out.first = m == Method::kPredict ? labels_.pick(best, work) : inference::vector_of(second);
    return {};
  }

 private:
  Status one(size_t i, const Table& in, Workspace& work, std::span<double> scores,
             std::span<uint8_t> wins) const {
    Table rows = in;
    if (!columns.empty()) {
      for (uint32_t c : columns[i])
        if (c >= in.columns) return check_width(in, *this);
      select_columns(in, columns[i], work, rows);
    }
    TRY_STATUS(binary_scores(*parts[i], rows, work, scores));
    TRY(const double* said, ask_exactly(*parts[i], Method::kPredict, rows, work, 1));
    for (size_t r = 0; r < in.rows; ++r) wins[r] = said[r] == 1 ? 1 : said[r] == 0 ? 0 : 2;
    return {};
  }

  // Votes of all pairs, with the confidences as the smaller part, so that they break ties. (To 0.20
  // the confidences were scaled by the largest of the batch; rows of ours never see each other.)
  Result<std::span<double>> ballot(const Table& in, Workspace& work) const {
    size_t k = labels_.size(), n = in.rows, at = 0;
    std::span<double> votes = work.zeros<double>(n * k), sums = work.zeros<double>(n * k);
    std::span<double> scores = work.take<double>(n);
    std::span<uint8_t> wins = work.take<uint8_t>(n);
    for (size_t i = 0; i < k; ++i) {
      for (size_t j = i + 1; j < k; ++j, ++at) {
        Workspace::Mark mark = work.mark();
        TRY_STATUS(one(at, in, work, scores, wins));
        work.release(mark);
        for (size_t r = 0; r < n; ++r) {
          sums[r * k + i] -= scores[r];
          sums[r * k + j] += scores[r];
          if (wins[r] < 2) votes[r * k + (wins[r] ? j : i)] += 1;
        }
      }
    }
    for (size_t i = 0; i < votes.size(); ++i) votes[i] += sums[i] / (3 * (std::abs(sums[i]) + 1));
    return votes;
  }
};

class OutputCode : public Classifier {
 public:
  std::vector<Part> parts;
  Matrix book;
  void set_labels(Labels l) { labels_ = std::move(l); }
  bool has(Method m) const override { return m == Method::kPredict; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(std::span<double> s, all_scores(parts, in, work));
    size_t k = parts.size();
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      double least = INFINITY;
      best[r] = 0;
      for (size_t c = 0; c < book.rows; ++c) {
        double d = 0;
        for (size_t i = 0; i < k; ++i) {
          double delta = s[r * k + i] - book.at(c, i);
          d += delta * delta;
        }
        if (d < least) least = d, best[r] = static_cast<uint32_t>(c);
      }
    }
    out.first = labels_.pick(best, work);
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_constant_predictor(const Attributes& a, Maker&) {
  auto out = std::make_unique<Constant>();
  TRY(std::vector<double> y, a.vector({"y_"}));
  if (y.size() != 1) return a.wrong("y_ is not one number");
  out->y = y[0];
  return out;
}

Result<std::unique_ptr<Estimator>> make_one_vs_rest(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<OneVsRest>();
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  TRY(Attributes binarizer, a.object({"label_binarizer_"}));
  TRY(std::string type, binarizer.text({"y_type_"}));
  TRY(Labels labels, binarizer.labels("classes_"));
  out->multilabel = type.starts_with("multilabel");
  out->multiclass = type == "multiclass";
  if (!out->multilabel && !out->multiclass && type != "binary")
    return a.unsupported(str("a target of type ", type));
  size_t expected = type == "binary" ? 1 : labels.size();
  if (out->parts.size() != expected || (type == "binary" && labels.size() > 2) ||
      labels.size() == 0)
    return a.wrong("its parts are not as many as its classes");
  if (type == "binary" && labels.size() == 1) return a.unsupported("a target of one class");
  out->set_labels(std::move(labels));
  out->threshold = binary_threshold(*out->parts[0]);
  out->features = width_of(out->parts);
  return out;
}

Result<std::unique_ptr<Estimator>> make_one_vs_one(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<OneVsOne>();
  TRY(Labels labels, a.labels("classes_"));
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  size_t k = labels.size();
  if (k < 2 || k > 10000 || out->parts.size() != k * (k - 1) / 2)
    return a.wrong("its parts are not as many as its pairs of classes");
  if (a.has("pairwise_indices_")) {
    TRY(std::vector<const pickle::Node*> lists, a.list({"pairwise_indices_"}));
    if (lists.size() != out->parts.size()) return a.wrong("pairwise_indices_ is too short");
    for (const pickle::Node* n : lists) {
      if (n->kind != pickle::Kind::kArray) return a.wrong("pairwise_indices_ holds no arrays");
      TRY(std::vector<int64_t> v, pickle::integers(*n->array).context(a.class_name()));
      std::vector<uint32_t>& to = out->columns.emplace_back();
      for (int64_t i : v) {
        if (i < 0 || i > INT32_MAX) return a.wrong("pairwise_indices_ is out of bounds");
        to.push_back(static_cast<uint32_t>(i));
      }
    }
  } else {
    out->features = width_of(out->parts);
  }
  out->set_labels(std::move(labels));
  // To 1.0 a score above 0 meant the second class, whatever the parts were.
  bool old = maker.release() != Maker::Release{} && maker.release() < Maker::Release{1, 1};
  out->threshold = old ? 0 : binary_threshold(*out->parts[0]);
  return out;
}

Result<std::unique_ptr<Estimator>> make_output_code(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<OutputCode>();
  TRY(Labels labels, a.labels("classes_"));
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  TRY(out->book, a.matrix({"code_book_"}));
  if (labels.size() == 0 || out->book.rows != labels.size() ||
      out->book.columns != out->parts.size())
    return a.wrong("code_book_ does not agree with its classes and parts");
  out->set_labels(std::move(labels));
  out->features = width_of(out->parts);
  return out;
}

}  // namespace proa::engines::meta
