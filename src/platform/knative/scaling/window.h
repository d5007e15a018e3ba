// Window: the average of a metric over the last seconds, from a ring of one-second buckets.
//
// As Knative's TimedFloat64Buckets: the buckets between two records count as zero; a window that is
// not full yet divides by the seconds there were; one that saw nothing for its whole length is 0
// and starts anew. Results are rounded to 6 digits. Not synchronised.
#pragma once

#include <cstdint>
#include <vector>

#include "foundation/base/clock.h"
#include "platform/knative/scaling/scaling_config.h"

namespace proa::knative {

class Window {
 public:
  explicit Window(Duration length, Aggregation aggregation = Aggregation::kLinear);

  // Adds to the bucket of that second. A second that the window has left behind is ignored.
  void record(int64_t second, double value);
  double average(int64_t now) const;
  bool empty(int64_t now) const;          // nothing was recorded in the window before `now`
  int64_t last() const { return last_; }  // the latest second recorded, -1 if none
  Duration length() const { return std::chrono::seconds(static_cast<int64_t>(buckets_.size())); }

 private:
  double& at(int64_t second) { return buckets_[static_cast<size_t>(second) % buckets_.size()]; }
  double at(int64_t second) const {
    return buckets_[static_cast<size_t>(second) % buckets_.size()];
  }
  double linear(int64_t now) const;
  double exponential(int64_t now) const;

  std::vector<double> buckets_;
  Aggregation aggregation_;
  double coefficient_;
  int64_t first_ = -1, last_ = -1;
};

}  // namespace proa::knative
