// ClusteringModel: the nearest, or most similar, centre.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct FieldOf {
  size_t place = 0;
  double weight = 1, scale = 0;
  std::string_view compare;
};
struct Cluster {
  std::string id;
  std::string_view name;
  std::vector<double> centre;
};
struct Counts {  // of two rows of bits
  double both = 0, first = 0, second = 0, none = 0;
};

class Clustering : public Evaluator {
 public:
  std::vector<FieldOf> fields;
  std::vector<Cluster> clusters;
  std::vector<double> missing_weights;
  std::string_view measure;
  double exponent = 2;
  bool is_similarity = false;
  double parameters[8] = {};  // binarySimilarity: c00, c01, c10, c11, d00, …

  std::vector<std::string_view> labels() const override { return {}; }
  void evaluate(Row& row, Answer& out) const override {
    auto x = row.work().take<double>(fields.size());
    double known = 0, all = 0;
    for (size_t i = 0; i < fields.size(); ++i) {
      x[i] = row.number(fields[i].place);
      double w = missing_weights.empty() ? 1 : missing_weights[i];
      all += w;
      if (!std::isnan(x[i])) known += w;
    }
    if (known == 0) return;
    const Cluster* best = nullptr;
    double best_value = 0;
    for (const Cluster& c : clusters) {
      double v = is_similarity ? similarity(x, c) : distance(x, c, all / known);
      if (!best || (is_similarity ? v > best_value : v < best_value)) best = &c, best_value = v;
    }
    out.predicted = Value::of(std::string_view(best->id));
    out.entity = best->id;
    out.affinity = best_value;
  }

 private:
  static double compare(const FieldOf& f, double x, double y) {
    if (f.compare == "gaussSim")
      return std::exp(-std::log(2.0) * (x - y) * (x - y) / (f.scale * f.scale));
    if (f.compare == "delta") return x == y ? 0 : 1;
    if (f.compare == "equal") return x == y ? 1 : 0;
    return std::fabs(x - y);
  }
  double distance(std::span<const double> x, const Cluster& c, double adjust) const {
    double sum = 0, most = 0;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (std::isnan(x[i])) continue;
      double d = compare(fields[i], x[i], c.centre[i]);
      double w = fields[i].weight;
      if (measure == "cityBlock")
        sum += w * d;
      else if (measure == "minkowski")
        sum += w * std::pow(d, exponent);
      else
        sum += w * d * d;
      most = std::max(most, w * d);
    }
    if (measure == "chebychev") return most * adjust;
    sum *= adjust;
    if (measure == "euclidean") return std::sqrt(sum);
    return measure == "minkowski" ? std::pow(sum, 1 / exponent) : sum;
  }
  double similarity(std::span<const double> x, const Cluster& c) const {
    Counts n;
    for (size_t i = 0; i < fields.size(); ++i) {
      bool a = x[i] == 1, b = c.centre[i] == 1;
      (a ? (b ? n.both : n.first) : (b ? n.second : n.none)) += 1;
    }
    double others = n.first + n.second;
    if (measure == "simpleMatching") return (n.both + n.none) / (n.both + n.none + others);
    if (measure == "jaccard") return n.both / (n.both + others);
    if (measure == "tanimoto") return (n.both + n.none) / (n.both + n.none + 2 * others);
    const double* p = parameters;
    return (p[3] * n.both + p[2] * n.first + p[1] * n.second + p[0] * n.none) /
           (p[7] * n.both + p[6] * n.first + p[5] * n.second + p[4] * n.none);
  }
};

Status read_measure(const Element& e, Clustering& c) {
  TRY(const Element* measure, e.required_child("ComparisonMeasure"));
  c.is_similarity = measure->get("kind") == "similarity";
  const Element* which = nullptr;
  for (const auto& child : measure->children)
    if (!child->is("Extension")) which = child.get();
  if (!which) return measure->wrong("it names no measure");
  c.measure = which->name;
  static constexpr std::string_view kDistances[] = {"euclidean", "squaredEuclidean", "chebychev",
                                                    "cityBlock", "minkowski"};
  static constexpr std::string_view kSimilarities[] = {"simpleMatching", "jaccard", "tanimoto",
                                                       "binarySimilarity"};
  bool near =
      std::find(std::begin(kDistances), std::end(kDistances), c.measure) != std::end(kDistances);
  bool like = std::find(std::begin(kSimilarities), std::end(kSimilarities), c.measure) !=
              std::end(kSimilarities);
  if (c.is_similarity ? !like : !near)
    return error(Code::kUnimplemented, which->wrong("this measure is not covered").message);
  if (c.measure == "minkowski") {
    TRY(c.exponent, which->number("p-parameter"));
  }
  static constexpr std::string_view kNames[] = {"c00-parameter", "c01-parameter", "c10-parameter",
                                                "c11-parameter", "d00-parameter", "d01-parameter",
                                                "d10-parameter", "d11-parameter"};
  for (size_t i = 0; i < 8 && c.measure == "binarySimilarity"; ++i) {
    TRY(c.parameters[i], which->number(kNames[i]));
  }
  return {};
}

Status read_fields(const Element& e, const Scope& scope, Clustering& c) {
  std::string_view compare =
      e.required_child("ComparisonMeasure").value()->get("compareFunction", "absDiff");
  for (const Element* f : e.all("ClusteringField")) {
    if (f->get("isCenterField", "true") == "false") continue;
    FieldOf made;
    TRY(std::string_view name, f->required("field"));
    TRY(made.place, scope.place(name, *f));
    TRY(made.weight, f->number("fieldWeight", 1));
    TRY(made.scale, f->number("similarityScale", 1));
    made.compare = f->get("compareFunction", compare);
    if (made.compare == "table")
      return error(Code::kUnimplemented, f->wrong("compareFunction=table is not covered").message);
    c.fields.push_back(made);
  }
  return c.fields.empty() ? Status{e.wrong("it has no ClusteringField")} : Status{};
}

Result<std::vector<double>> numbers_of(const Element& array, size_t count) {
  std::vector<double> out;
  for (const std::string& word : array_words(array.text)) {
    auto v = parse_double(word);
    if (!v) return array.wrong("it holds what is no number");
    out.push_back(*v);
  }
  if (out.size() != count) return array.wrong(str("it has ", out.size(), " numbers, not ", count));
  return out;
}

}  // namespace

MadeEvaluator make_clustering(const Element& e, const Scope& scope) {
  auto c = std::make_unique<Clustering>();
  if (e.get("modelClass", "centerBased") != "centerBased")
    return error(Code::kUnimplemented, e.wrong("only centerBased models are covered").message);
  TRY_STATUS(read_measure(e, *c));
  TRY_STATUS(read_fields(e, scope, *c));
  if (const Element* weights = e.child("MissingValueWeights")) {
    TRY(const Element* array, weights->required_child("Array"));
    TRY(c->missing_weights, numbers_of(*array, c->fields.size()));
  }
  for (const Element* cluster : e.all("Cluster")) {
    Cluster made;
    made.id = std::string(cluster->get("id"));
    if (made.id.empty()) made.id = str(uint64_t{c->clusters.size() + 1});
    TRY(const Element* array, cluster->required_child("Array"));
    TRY(made.centre, numbers_of(*array, c->fields.size()));
    c->clusters.push_back(std::move(made));
  }
  if (c->clusters.empty()) return e.wrong("it has no Cluster");
  return std::unique_ptr<Evaluator>(std::move(c));
}

}  // namespace proa::pmml
