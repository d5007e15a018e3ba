// The hashing trick: a feature's column and sign by its name. Private to this folder.
#pragma once

#include "models/engines/sklearn/features/text/weighting.h"

namespace proa::engines {

struct Hashing {
  size_t columns = 0;  // n_features
  bool alternate_sign = true;
  static Result<Hashing> of(const Attributes& a);
  void add(std::string_view feature, double value, Accumulator& all) const;
};

}  // namespace proa::engines
