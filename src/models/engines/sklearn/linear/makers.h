// The makers of this family, one for each group of classes that differ in little. Private to this
// folder; entries.cpp names the classes.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines::linear {

using Made = Result<std::unique_ptr<Estimator>>;

Made make_regressor(const Attributes& a, Maker& maker);       // all with coef_ and intercept_
Made make_flat_regressor(const Attributes& a, Maker& maker);  // answers always (rows,)
Made make_exponential_regressor(const Attributes& a, Maker& maker);  // Poisson, Gamma
Made make_tweedie(const Attributes& a, Maker& maker);
Made make_ransac(const Attributes& a, Maker& maker);
Made make_sgd_one_class(const Attributes& a, Maker& maker);
Made make_classifier(const Attributes& a, Maker& maker);  // without probabilities
Made make_sgd_classifier(const Attributes& a, Maker& maker);
Made make_logistic(const Attributes& a, Maker& maker);
Made make_ridge_classifier(const Attributes& a, Maker& maker);
Made make_linear_discriminant(const Attributes& a, Maker& maker);
Made make_quadratic_discriminant(const Attributes& a, Maker& maker);
Made make_svc(const Attributes& a, Maker& maker);  // NuSVC too
Made make_svr(const Attributes& a, Maker& maker);  // NuSVR too
Made make_one_class_svm(const Attributes& a, Maker& maker);
Made make_pls(const Attributes& a, Maker& maker);
Made make_pls_svd(const Attributes& a, Maker& maker);
Made make_isotonic(const Attributes& a, Maker& maker);
Made make_kernel_ridge(const Attributes& a, Maker& maker);
Made make_dummy_classifier(const Attributes& a, Maker& maker);
Made make_dummy_regressor(const Attributes& a, Maker& maker);

}  // namespace proa::engines::linear
