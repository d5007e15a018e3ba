// How many chunks of one file may be under way at once.
//
// Used by download, under the file's mutex. As many as there are workers, unless they come faster
// than they can be hashed: then more of them would only take the processor from the hasher, which
// goes through the file in order and so decides when it is whole. It begins with few, and adds one
// each step, so that a fast link shows itself before all have begun.
#pragma once

#include <algorithm>
#include <chrono>

namespace proa::storage {

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr auto kStep = std::chrono::milliseconds(20);

  // `waiting`: chunks that the hasher could take now. True counts one more as under way.
  bool may_start(int waiting, Time now) {
    if (waiting >= kMostWaiting) {
      changed_ = now;
      return false;
    }
    if (under_way_ >= allowed_ && waiting == 0 && now - changed_ >= kStep) {
      ++allowed_;
      changed_ = now;
    }
    if (under_way_ >= allowed_) return false;
    if (under_way_ == 0) changed_ = now;
    ++under_way_;
    return true;
  }

  // One came, or failed.
  void ended(int waiting, Time now) {
    --under_way_;
    if (waiting < kMostWaiting - 1) return;
    allowed_ = std::max(kFewest, allowed_ - 1);
    changed_ = now;
  }

 private:
  static constexpr int kFewest = 2, kMostWaiting = 3;

  int under_way_ = 0, allowed_ = kFewest;
  Time changed_{};
};

}  // namespace proa::storage
