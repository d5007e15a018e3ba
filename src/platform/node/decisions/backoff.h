// The kubelet's back-off of a crashing container: at once, then 10 s, doubling to a cap; forgotten
// after a long run. Pure.
#pragma once

#include <algorithm>

#include "foundation/base/clock.h"

namespace proa::node {

class Backoff {
 public:
  Backoff(Duration first, Duration cap) : first_(first), cap_(cap) {}
  // How long to wait before the next start of something that ran for `ran`.
  Duration next(Duration ran) {
    if (ran > 2 * cap_) restarts_ = 0;
    if (restarts_++ == 0) return Duration(0);
    Duration delay = first_;
    for (int i = 2; i < restarts_ && delay < cap_; ++i) delay *= 2;
    return std::min(delay, cap_);
  }

 private:
  Duration first_, cap_;
  int restarts_ = 0;
};

}  // namespace proa::node
