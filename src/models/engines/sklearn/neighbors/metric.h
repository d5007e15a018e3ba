// Metric: the distance between two rows, as scikit-learn's neighbours measure it.
//
// A metric has a reduced form that is cheaper and orders pairs alike (the squared distance for the
// euclidean one); searches compare reduced distances. Used by this folder alone. Immutable.
#pragma once

#include <string>
#include <vector>

#include "models/engines/sklearn/attributes.h"

namespace proa::engines::neighbors {

class Metric {
 public:
  enum class Kind {
    kEuclidean,
    kSqEuclidean,
    kManhattan,
    kChebyshev,
    kMinkowski,
    kSeuclidean,
    kMahalanobis,
    kHamming,
    kCanberra,
    kBraycurtis,
    kHaversine,
    kCosine,       // rows must have gone through prepare()
    kCorrelation,  // the same
    kNanEuclidean,
    kPrecomputed,
    kBoolean,  // a formula of counts, see Counts
  };

  Metric() = default;  // euclidean
  // `params` is metric_params or a dict like it, or nullptr; `width` the length of a row.
  static Result<Metric> make(const Attributes& a, const std::string& name,
                             const pickle::Node* params, size_t width);

  Kind kind() const { return kind_; }
  bool fast() const { return kind_ <= Kind::kChebyshev; }  // a fold over columns
  bool nan_allowed() const { return kind_ == Kind::kNanEuclidean; }
  void prepare(double* row, size_t width) const;  // of both sides, once, before reduced()
  double reduced(const double* x, const double* y, size_t width) const;
  double distance(double reduced) const;
  double reduce(double distance) const;
  // The reduced distance from x to the box between two corners; for k-d trees.
  double to_box(const double* x, const double* lower, const double* upper, size_t width) const;

 private:
  enum class Counts {
    kJaccard,
    kDice,
    kRogersTanimoto,
    kRussellRao,
    kSokalSneath,
    kYule,
    kKulsinski,
    kMatching
  };
  static bool named(const std::string& name, Metric& m);
  Status read_params(const Attributes& a, const std::string& name, const pickle::Node* params,
                     size_t width);
  double boolean(const double* x, const double* y, size_t width) const;
  double power(const double* x, const double* y, size_t width) const;

  Kind kind_ = Kind::kEuclidean;
  Counts counts_ = Counts::kJaccard;
  double p_ = 2;
  bool weights_inside_ = false;  // wminkowski: (w |x - y|)^p instead of w |x - y|^p
  std::vector<double> weights_;  // of minkowski; 1 / V of seuclidean's V
  std::vector<double> inverse_;  // of the covariance, row-major
};

}  // namespace proa::engines::neighbors
