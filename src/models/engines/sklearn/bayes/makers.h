// The makers of this family. Private to this folder; entries.cpp names the classes.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines::bayes {

using Made = Result<std::unique_ptr<Estimator>>;

Made make_gaussian_nb(const Attributes& a, Maker& maker);
Made make_multinomial_nb(const Attributes& a, Maker& maker);
Made make_complement_nb(const Attributes& a, Maker& maker);
Made make_bernoulli_nb(const Attributes& a, Maker& maker);
Made make_categorical_nb(const Attributes& a, Maker& maker);
Made make_process_regressor(const Attributes& a, Maker& maker);
Made make_process_classifier(const Attributes& a, Maker& maker);
Made make_laplace_classifier(const Attributes& a, Maker& maker);  // its binary part
Made make_mlp_classifier(const Attributes& a, Maker& maker);
Made make_mlp_regressor(const Attributes& a, Maker& maker);
Made make_boltzmann_machine(const Attributes& a, Maker& maker);
Made make_mixture(const Attributes& a, Maker& maker);
Made make_bayesian_mixture(const Attributes& a, Maker& maker);
Made make_elliptic_envelope(const Attributes& a, Maker& maker);

}  // namespace proa::engines::bayes
