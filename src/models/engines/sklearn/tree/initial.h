// The initial estimate of gradient boosting: constants, or what an estimator of the user's says of
// each row. Private to gradient_boosting.cpp. Immutable once made.
#pragma once

#include <memory>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

// From the estimate to the scale of the sums. The others are of probabilities.
enum class InitialLink : uint8_t { kIdentity, kLogit, kHalfLogit, kLog, kCentredLog };

class Initial {
 public:
  // init_ of every release: a dummy, 'zero', the small classes of 0.20, or any estimator.
  static Result<Initial> make(const Attributes& boosting, Maker& maker, InitialLink link,
                              size_t raw);

  // What the forest's sums begin with; empty: zeros.
  const std::vector<double>& constants() const { return constants_; }
  // Adds what depends on the row: `sums` is n × raw.
  Status add(const double* rows, size_t n, size_t columns, std::span<double> sums,
             Workspace& work) const;

 private:
  Status make_constant(const Attributes& init, bool& known);
  Status add_values(const Values& v, size_t n, std::span<double> sums) const;
  void link_row(double* row, size_t width) const;  // width: raw, or 2 where raw is 1

  std::vector<double> constants_;
  std::unique_ptr<Estimator> estimator_;
  InitialLink link_ = InitialLink::kIdentity;
  size_t raw_ = 1;
  double least_ = 0;  // probabilities are kept this far from 0 and 1
};

}  // namespace proa::engines
