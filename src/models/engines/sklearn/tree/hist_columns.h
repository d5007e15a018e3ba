// The columns as HistGradientBoosting's trees see them: since release 1.4 the categorical ones come
// first, encoded by an OrdinalEncoder; before, they are used as they are. Immutable once made.
#pragma once

#include <memory>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/catalog.h"
#include "models/engines/sklearn/tree/hist_reader.h"

namespace proa::engines {

class HistColumns {
 public:
  static Result<HistColumns> make(const Attributes& boosting, Maker& maker, size_t features);
  // The rows in the order of the trees. missing: NaN and infinity are taken.
  Result<const double*> prepare(const Table& in, const Estimator& e, bool missing,
                                Workspace& work) const;
  // Which columns hold categories without an encoder.
  void know(const KnownCategories& known);

 private:
  Result<const double*> encode(const Table& in, const Estimator& e, Workspace& work) const;
  Table part(const Table& in, Workspace& work) const;
  Result<const double*> numbers(const Table& in, const Estimator& e, Workspace& work) const;
  Status read_preprocessor(const Attributes& boosting, Maker& maker, size_t features);
  void narrow(double* row) const;

  std::unique_ptr<Estimator> encoder_;       // of the categorical columns; nullptr: none
  std::vector<uint32_t> encoded_, numeric_;  // columns of the request
  std::vector<uint32_t> raw_;                // categorical columns without an encoder
};

}  // namespace proa::engines
