// The normal distribution, to the last digits in both tails. Used by QuantileTransformer. Pure.
#pragma once

namespace proa::engines {

double normal_cdf(double x);
double normal_quantile(double p);  // −∞ at 0, ∞ at 1, NaN outside

}  // namespace proa::engines
