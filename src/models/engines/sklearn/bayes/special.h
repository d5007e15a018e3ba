// Special functions that the C++ library does not have. Private to this folder; pure.
#pragma once

namespace proa::engines::bayes {

double digamma(double x);  // the derivative of log Γ; NaN at 0 and the negative integers

}  // namespace proa::engines::bayes
