// From the sum of the trees to what LightGBM's Booster.predict answers, by the objective that the
// file names. Used by lightgbm.cpp. Values; pure; thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace proa::engines {

class LightgbmObjective {
 public:
  // "binary sigmoid:1", "multiclass num_class:3", "regression sqrt"; "" is a custom objective.
  // `outputs` is the number of trees of one iteration.
  static Result<LightgbmObjective> parse(std::string_view text, size_t outputs);

  const std::string& name() const { return name_; }
  // Rows of `outputs` values each, in place.
  void transform(std::span<double> raw) const;
  bool identity() const { return link_ == Link::kNone; }

 private:
  enum class Link { kNone, kSigmoid, kSoftmax, kExp, kLog1pExp, kSquare };
  std::string name_;
  Link link_ = Link::kNone;
  double slope_ = 1;
  size_t outputs_ = 1;
};

}  // namespace proa::engines
