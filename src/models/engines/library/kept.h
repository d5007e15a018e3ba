// Kept<T>: what the models of one library share, made for the first of them and let go with the
// last.
//
// Used by the engines that load a library. The library's own state must not live until the process
// ends, when the library's has gone already. Thread-safe.
#pragma once

#include <memory>
#include <mutex>

#include "foundation/base/result.h"

namespace proa::engines {

// T::make() gives a Result<std::shared_ptr<const T>>.
template <typename T>
class Kept {
 public:
  Result<std::shared_ptr<const T>> get() {
    std::lock_guard lock(mutex_);
    auto there = there_.lock();
    if (!there) {
      TRY(there, T::make());
      there_ = there;
    }
    return there;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<const T> there_;  // guarded by mutex_
};

}  // namespace proa::engines
