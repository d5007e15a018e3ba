// What a missing value is, and which columns had some. Shared by the imputers; private.
#pragma once

#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {

// missing_values of an imputer.
class MissingValue {
 public:
  static Result<MissingValue> of(const Attributes& a);
  bool is_number() const { return kind_ == Cell::Kind::kNumber; }
  bool is_nan() const;  // NaN or None
  bool is(double v) const;
  bool is(const Cell& cell) const;
  Missing allowed() const { return is_nan() ? Missing::kNanAllowed : Missing::kRefused; }

 private:
  Cell::Kind kind_ = Cell::Kind::kNumber;
  double number_ = 0;
  std::string text_;
};

// A fitted MissingIndicator: the columns it reports. Empty where add_indicator is off.
struct Indicator {
  std::vector<uint32_t> columns;
};
Result<Indicator> read_indicator(const Attributes& a, size_t features);
// indicator_ of an imputer with add_indicator.
Result<Indicator> read_added_indicator(const Attributes& a, size_t features);

}  // namespace proa::engines
