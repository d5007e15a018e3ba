// The catalogue: which classes of scikit-learn there are for us, where they live in which release,
// and how each becomes an Estimator. One list of entries a family; catalog.cpp puts them together in
// one visible table. From it come the reader's allow-list and `proa serve --list-formats`.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

class Maker;

using Make = Result<std::unique_ptr<Estimator>> (*)(const Attributes& attributes, Maker& maker);

struct Entry {
  std::string_view name;     // "SVC"; a part's or function's name too
  std::string_view modules;  // all that ever held it: "sklearn.svm._classes sklearn.svm.classes"
  Make make = nullptr;       // nullptr: a part of estimators (Tree, a kernel, a loss), a function
};

// Makes nested estimators: steps, base estimators, the winner of a search. Bounds depth and number.
class Maker {
 public:
  virtual ~Maker() = default;
  // Errors name the class, the release that wrote it, and what to do instead.
  virtual Result<std::unique_ptr<Estimator>> make(const pickle::Node* node) = 0;
  // The release that wrote the file, as 1.7.2 → {1, 7}; {0, 0} if the file does not say.
  struct Release {
    int major = 0, minor = 0;
    auto operator<=>(const Release&) const = default;
  };
  virtual Release release() const = 0;
};

// One a family, each in that family's folder:
//   linear         linear_model, svm, discriminant_analysis, cross_decomposition, isotonic,
//                  kernel_ridge, dummy
//   bayes          naive_bayes, gaussian_process, neural_network, mixture, covariance
//   tree           tree, forests, both gradient boostings, IsolationForest, RandomTreesEmbedding
//   neighbors      neighbors, cluster, semi_supervised, LocalOutlierFactor
//   meta           pipeline, compose, multiclass, multioutput, voting, stacking, bagging, AdaBoost,
//                  calibration, searches, frozen, RFE, SelectFromModel
//   preprocessing  preprocessing, impute
//   features       feature_selection, feature_extraction, decomposition, kernel_approximation,
//                  random_projection, manifold
std::span<const Entry> linear_entries();
std::span<const Entry> bayes_entries();
std::span<const Entry> tree_entries();
std::span<const Entry> neighbor_entries();
std::span<const Entry> meta_entries();
std::span<const Entry> preprocessing_entries();
std::span<const Entry> feature_entries();

std::span<const std::span<const Entry>> catalog();
const Entry* find_entry(std::string_view module, std::string_view name);

}  // namespace proa::engines
