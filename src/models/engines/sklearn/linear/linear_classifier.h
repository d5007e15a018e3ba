// Classifiers that compare coef · x + intercept: the base of logistic regression, SGD, ridge and
// linear discriminant analysis. Private to this folder.
#pragma once

#include "models/engines/sklearn/linear/affine.h"

namespace proa::engines::linear {

class LinearClassifier : public Classifier {
 public:
  enum class Link { kOneVsRest, kSoftmax, kModifiedHuber };
  Affine affine;  // one target a class; one target for two classes
  Link link = Link::kOneVsRest;

 protected:
  Result<Scores> decision(const Table& in, Workspace& work) const override;
  Result<Scores> probabilities(const Table& in, Workspace& work) const override;
};

// classes_, coef_ and intercept_, checked against each other.
Status read_linear_classifier(const Attributes& a, LinearClassifier& out);
Status check_classes(const Attributes& a, LinearClassifier& out);  // the check alone

}  // namespace proa::engines::linear
