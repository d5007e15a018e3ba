// CalibratedClassifierCV: scores of parts, made probabilities by a curve a class (sigmoid,
// isotonic) or by a temperature.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"

namespace proa::engines::meta {
namespace {

struct Curve {
  Part isotonic;  // none: sigmoid
  double a = 0, b = 0;
};

struct Member {
  Part part;
  bool decides = true;  // by decision_function, else by predict_proba
  std::vector<Curve> curves;
  std::vector<uint32_t> places;  // of the curves' classes among ours
  bool by_temperature = false;
  double beta = 1;
};

class Calibrated : public Classifier {
 public:
  std::vector<Member> members;
  void set_labels(Labels l) { labels_ = std::move(l); }
  bool has(Method m) const override { return m == Method::kPredict || m == Method::kPredictProba; }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    size_t k = labels_.size();
    std::span<double> mean = work.zeros<double>(in.rows * k), one = work.take<double>(in.rows * k);
    for (const Member& member : members) {
      Workspace::Mark mark = work.mark();
      TRY_STATUS(probabilities(member, in, work, one));
      work.release(mark);
      for (size_t i = 0; i < mean.size(); ++i) mean[i] += one[i];
    }
    for (double& v : mean) v /= static_cast<double>(members.size());
    if (m == Method::kPredict)
      out.first = labels_.pick(argmax_rows(mean.data(), in.rows, k, work), work);
    else
      out.first = inference::matrix_of(mean.data(), in.rows, k);
    return {};
  }

 private:
  Status probabilities(const Member& m, const Table& in, Workspace& work,
                       std::span<double> out) const {
    size_t k = labels_.size(), columns = 0;
    Method method = m.decides ? Method::kDecisionFunction : Method::kPredictProba;
    TRY(const double* scores, ask(*m.part, method, in, work, columns));
    if (m.by_temperature) {
      TRY_STATUS(heat(m, scores, in.rows, columns, out));
    } else {
      size_t first = !m.decides && k == 2 && columns == 2 ? 1 : 0;
      std::fill(out.begin(), out.end(), 0.0);
      if (columns - first != m.curves.size())
        return error(Code::kInvalid, str(name, ": ", m.part->name, " gives ", columns - first,
                                         " scores for ", m.curves.size(), " curves"));
      for (size_t c = 0; c < m.curves.size(); ++c)
        TRY_STATUS(follow(m.curves[c], scores + first + c, columns, in.rows, work,
                          out.data() + m.places[c]));
      normalise(out, in.rows);
    }
    for (double& v : out)
      if (v > 1.0 && v <= 1.0 + 1e-5) v = 1.0;
    return {};
  }

  Status follow(const Curve& curve, const double* scores, size_t stride, size_t rows,
                Workspace& work, double* out) const {
    size_t k = labels_.size();
    if (!curve.isotonic) {
      for (size_t r = 0; r < rows; ++r)
        out[r * k] = 1 / (1 + std::exp(curve.a * scores[r * stride] + curve.b));
      return {};
    }
    std::span<double> column = work.take<double>(rows);
    for (size_t r = 0; r < rows; ++r) column[r] = scores[r * stride];
    Table table;
    table.rows = rows, table.columns = 1, table.dense = column.data(), table.flat = true;
    TRY(const double* y, ask_exactly(*curve.isotonic, Method::kPredict, table, work, 1));
    for (size_t r = 0; r < rows; ++r) out[r * k] = y[r];
    return {};
  }

  void normalise(std::span<double> out, size_t rows) const {
    size_t k = labels_.size();
    for (size_t r = 0; r < rows; ++r) {
      double* p = out.data() + r * k;
      if (k == 2) {
        p[0] = 1 - p[1];
        continue;
      }
      double sum = 0;
      for (size_t c = 0; c < k; ++c) sum += p[c];
      for (size_t c = 0; c < k; ++c) p[c] = sum != 0 ? p[c] / sum : 1.0 / static_cast<double>(k);
    }
  }

  // Scores that look like probabilities, all rows of them, count by their logarithms.
  Status heat(const Member& m, const double* s, size_t rows, size_t columns,
              std::span<double> out) const {
    size_t k = labels_.size();
    if (columns != k && !(k == 2 && columns == 1))
      return error(Code::kInvalid, str(name, ": ", m.part->name, " gives other scores"));
    bool likely = columns > 1;
    for (size_t r = 0; r < rows && likely; ++r) {
      double sum = 0;
      for (size_t c = 0; c < columns; ++c) {
        double v = s[r * columns + c];
        likely = likely && v >= 0 && v <= 1;
        sum += v;
      }
      likely = likely && std::abs(sum - 1) <= 1.5e-8;
    }
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < k; ++c) {
        double v = columns == 1 ? (c == 0 ? -s[r] : s[r]) : s[r * columns + c];
        out[r * k + c] = m.beta * (likely ? std::log(v + 1e-12) : v);
      }
    softmax_rows(out.data(), rows, k);
    return {};
  }
};

Result<Curve> make_curve(const Attributes& a, const pickle::Node* node, Maker& maker) {
  Curve curve;
  Attributes c(*node);
  if (c.type_name().ends_with("._SigmoidCalibration")) {
    TRY(curve.a, c.number({"a_"}));
    TRY(curve.b, c.number({"b_"}));
  } else {
    TRY(curve.isotonic, maker.make(node));
    if (!curve.isotonic->has(Method::kPredict)) return a.unsupported("its calibrator");
  }
  return curve;
}

// The place of each class of the part among ours; of two classes the second is meant.
Status place_curves(const Attributes& a, const Labels& labels, Member& m) {
  const Labels* own = m.part->labels();
  size_t k = labels.size(), n = m.curves.size();
  for (size_t c = 0; c < n; ++c) {
    size_t at = c;
    if (own && own->size() != k && k > 2) {
      if (own->type != labels.type || own->size() != n) return a.wrong("a part has other classes");
      for (at = 0; at < k; ++at) {
        if (!own->integers.empty() && own->integers[c] == labels.integers[at]) break;
        if (!own->numbers.empty() && own->numbers[c] == labels.numbers[at]) break;
        if (!own->texts.empty() && own->texts[c] == labels.texts[at]) break;
      }
    }
    if (k == 2) ++at;
    if (at >= k) return a.wrong("it has more calibrators than classes");
    m.places.push_back(static_cast<uint32_t>(at));
  }
  return {};
}

Result<Member> make_member(const Attributes& outer, const pickle::Node* node, const Labels& labels,
                           Maker& maker) {
  if (!node->type_name().ends_with("._CalibratedClassifier"))
    return outer.wrong("calibrated_classifiers_ holds something else");
  Attributes a(*node);
  Member m;
  TRY(m.part, make_part(a, {"estimator", "base_estimator"}, maker));
  m.decides = m.part->has(Method::kDecisionFunction);
  if (!m.decides && !m.part->has(Method::kPredictProba))
    return outer.wrong(str("its part ", m.part->name, " gives no scores"));
  TRY(std::vector<const pickle::Node*> curves, a.list({"calibrators", "calibrators_"}));
  if (curves.empty() || curves.size() > labels.size()) return outer.wrong("it has no calibrators");
  if (Attributes(*curves[0]).type_name().ends_with("._TemperatureScaling")) {
    m.by_temperature = true;
    TRY(m.beta, Attributes(*curves[0]).number({"beta_"}));
    return m;
  }
  for (const pickle::Node* c : curves) {
    TRY(Curve curve, make_curve(outer, c, maker));
    m.curves.push_back(std::move(curve));
  }
  TRY_STATUS(place_curves(outer, labels, m));
  return m;
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_calibrated(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<Calibrated>();
  TRY(Labels labels, a.labels("classes_"));
  TRY(std::vector<const pickle::Node*> list, a.list({"calibrated_classifiers_"}));
  if (list.empty() || labels.size() == 0) return a.wrong("it has no calibrated_classifiers_");
  for (const pickle::Node* node : list) {
    TRY(Member m, make_member(a, node, labels, maker));
    out->members.push_back(std::move(m));
  }
  out->features = out->members[0].part->features;
  out->set_labels(std::move(labels));
  return out;
}

}  // namespace proa::engines::meta
