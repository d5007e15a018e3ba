// CatBoost's features as columns of numbers that a Forest can compare: the numerical features, one
// column for each one-hot value (0 or 1), one for each CTR. Private to this folder.
//
// Immutable once made; threads share it. `file` must outlive it.
#pragma once

#include "models/engines/boosted/catboost/file.h"
#include "models/engines/trees/forest.h"
#include "models/inference/values.h"

namespace proa::engines::boosted {

class CatboostColumns {
 public:
  explicit CatboostColumns(const CatboostFile& file);
  size_t count() const { return ctrs_ + file_.ctrs.size(); }
  // The trees over these columns.
  Result<trees::Spec> spec() const;
  // One row: `numbers` by numerical feature, `hashes` by categorical feature.
  void fill(const double* numbers, const int32_t* hashes, double* out) const;

 private:
  struct Split {
    uint32_t column = 0;
    double border = 0;
    bool nan_right = false;
  };
  Status add(const CatboostTree& tree, size_t number, trees::Spec& spec) const;
  float ctr(const CatboostCtr& ctr, const CatboostTable& table, const double* numbers,
            const int32_t* hashes) const;

  const CatboostFile& file_;
  std::vector<Split> splits_;       // binary feature → what it asks
  std::vector<uint32_t> table_of_;  // CTR → table
  size_t one_hots_ = 0, ctrs_ = 0;  // where these columns begin
};

}  // namespace proa::engines::boosted
