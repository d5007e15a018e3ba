// MiningModel: models of models, by segments.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct Segment {
  std::string_view id;
  double weight = 1;
  std::unique_ptr<Predicate> predicate;
  std::unique_ptr<Part> part;
};

enum class Method : uint8_t {
  kMajority,
  kWeightedMajority,
  kAverage,
  kWeightedAverage,
  kMedian,
  kWeightedMedian,
  kMax,
  kSum,
  kWeightedSum,
  kFirst,
  kChain,
};

constexpr std::pair<std::string_view, Method> kMethods[] = {
    {"majorityVote", Method::kMajority},
    {"weightedMajorityVote", Method::kWeightedMajority},
    {"average", Method::kAverage},
    {"weightedAverage", Method::kWeightedAverage},
    {"median", Method::kMedian},
    {"weightedMedian", Method::kWeightedMedian},
    {"max", Method::kMax},
    {"sum", Method::kSum},
    {"weightedSum", Method::kWeightedSum},
    {"selectFirst", Method::kFirst},
    {"modelChain", Method::kChain},
};

double median(std::vector<std::pair<double, double>> all, bool weighted) {
  std::sort(all.begin(), all.end());
  size_t n = all.size();
  if (!weighted) return n % 2 ? all[n / 2].first : (all[n / 2 - 1].first + all[n / 2].first) / 2;
  double sum = 0, half = 0;
  for (auto [v, w] : all) sum += w;
  for (auto [v, w] : all)
    if ((half += w) >= sum / 2) return v;
  return all.back().first;
}

class Mining : public Evaluator {
 public:
  std::vector<Segment> segments;
  Method method = Method::kAverage;
  bool classifies = false;
  std::vector<std::string_view> classes;

  std::vector<std::string_view> labels() const override { return classes; }
  void evaluate(Row& row, Answer& out) const override {
    if (method == Method::kFirst) return first(row, out);
    if (method == Method::kChain) return chain(row, out);
    if (classifies) return vote(row, out);
    combine(row, out);
  }

 private:
  bool applies(const Segment& s, Row& row) const { return s.predicate->test(row) == Truth::kTrue; }
  double weight_of(const Segment& s) const {
    return method == Method::kWeightedMajority || method == Method::kWeightedAverage ||
                   method == Method::kWeightedSum || method == Method::kWeightedMedian
               ? s.weight
               : 1;
  }
  void first(Row& row, Answer& out) const {
    for (const Segment& s : segments)
      if (applies(s, row)) {
        s.part->evaluate(row, out);
        if (out.entity.empty()) out.entity = s.id;
        return;
      }
  }
  void chain(Row& row, Answer& out) const {
    for (const Segment& s : segments)
      if (applies(s, row)) s.part->evaluate(row, out);
  }
  static void add(Answer& out, std::string_view label, double p) {
    for (Score& s : out.scores)
      if (s.label == label) {
        s.probability += p;
        return;
      }
    out.scores.push_back({label, p});
  }
  void vote(Row& row, Answer& out) const {
    bool votes = method == Method::kMajority || method == Method::kWeightedMajority;
    double weights = 0;
    Answer one;
    for (std::string_view label : classes) out.scores.push_back({label, 0});
    for (const Segment& s : segments) {
      if (!applies(s, row)) continue;
      s.part->evaluate(row, one);
      if (one.predicted.missing()) continue;
      double w = weight_of(s);
      weights += w;
      if (votes) add(out, row.work().keep(text_of(one.predicted)), w);
      for (const Score& score : one.scores) {
        if (votes) break;
        if (method == Method::kMax) {
          add(out, score.label, 0);
          for (Score& known : out.scores)
            if (known.label == score.label)
              known.probability = std::max(known.probability, score.probability);
        } else {
          add(out, score.label, w * score.probability);
        }
      }
    }
    if (weights == 0) return out.scores.clear();
    if (method == Method::kMax)
      normalize("simplemax", out.scores);
    else if (method != Method::kSum && method != Method::kWeightedSum)
      for (Score& s : out.scores) s.probability /= weights;
    out.choose();
  }
  void combine(Row& row, Answer& out) const {
    Answer one;
    std::vector<std::pair<double, double>> all;
    double sum = 0, weights = 0, most = -HUGE_VAL;
    for (const Segment& s : segments) {
      if (!applies(s, row)) continue;
      s.part->evaluate(row, one);
      double v = number_of(one.predicted), w = weight_of(s);
      if (std::isnan(v)) return;  // one that is missing makes the whole missing
      if (method == Method::kMedian || method == Method::kWeightedMedian) all.emplace_back(v, w);
      sum += v * w;
      weights += w;
      most = std::max(most, v);
    }
    if (weights == 0) return;
    if (!all.empty())
      out.predicted = Value::of(median(std::move(all), method == Method::kWeightedMedian));
    else if (method == Method::kMax)
      out.predicted = Value::of(most);
    else if (method == Method::kSum || method == Method::kWeightedSum)
      out.predicted = Value::of(sum);
    else
      out.predicted = Value::of(sum / weights);
  }
};

Result<Segment> read_segment(const Element& e, Scope& scope, bool chained) {
  Segment s;
  s.id = e.get("id");
  TRY(s.weight, e.number("weight", 1));
  TRY(s.predicate, predicate_in(e, scope));
  const Element* model = nullptr;
  for (const auto& c : e.children)
    if (is_model(*c)) model = c.get();
  if (!model) return e.wrong("it holds no model");
  TRY(s.part, Part::make(*model, scope));
  if (chained)  // what it gives is known to the models behind it
    for (const Part::Output& o : s.part->outputs()) scope.set(o.name, o.place);
  return s;
}

}  // namespace

MadeEvaluator make_mining(const Element& e, const Scope& outer) {
  auto m = std::make_unique<Mining>();
  m->classifies = e.get("functionName") == "classification";
  const Element* segmentation = e.child("Segmentation");
  if (!segmentation)
    return error(Code::kUnimplemented, e.wrong("a MiningModel without Segmentation").message);
  std::string_view name = segmentation->get("multipleModelMethod");
  bool known = false;
  for (auto [method_name, method] : kMethods)
    if (name == method_name) {
      m->method = method;
      known = true;
    }
  if (!known)
    return error(Code::kUnimplemented,
                 segmentation->wrong(str("multipleModelMethod=", name, " is not covered")).message);
  Scope scope(outer.fields(), &outer);
  for (const Element* s : segmentation->all("Segment")) {
    TRY(Segment segment, read_segment(*s, scope, m->method == Method::kChain));
    m->segments.push_back(std::move(segment));
  }
  if (m->segments.empty()) return segmentation->wrong("it has no Segment");
  auto know = [&](const Segment& s) {
    for (std::string_view label : s.part->labels())
      if (std::find(m->classes.begin(), m->classes.end(), label) == m->classes.end())
        m->classes.push_back(label);
  };
  if (m->method == Method::kChain)
    know(m->segments.back());
  else
    for (const Segment& s : m->segments) know(s);
  return std::unique_ptr<Evaluator>(std::move(m));
}

}  // namespace proa::pmml
