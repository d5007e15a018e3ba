// Guarded: a struct of callbacks that may be released while one of them is running.
//
// The callables are destroyed when the outermost call has returned, so that what they hold lives as
// long as they run. Whoever calls must keep the Guarded alive. One thread.
#pragma once

#include <utility>

namespace proa::http {

template <typename Callbacks>
class Guarded {
 public:
  void set(Callbacks callbacks) {
    if (!released_) callbacks_ = std::move(callbacks);
  }
  template <typename Member, typename... Args>
  void call(Member member, Args&&... args) {
    if (released_ || !(callbacks_.*member)) return;
    ++depth_;
    (callbacks_.*member)(std::forward<Args>(args)...);
    if (--depth_ == 0 && released_) drop();
  }
  // Calls it as the last one.
  template <typename Member, typename... Args>
  void call_last(Member member, Args&&... args) {
    if (released_) return;
    released_ = true;
    ++depth_;
    if (callbacks_.*member) (callbacks_.*member)(std::forward<Args>(args)...);
    if (--depth_ == 0) drop();
  }
  void release() {
    released_ = true;
    if (depth_ == 0) drop();
  }
  bool released() const { return released_; }

 private:
  void drop() { Callbacks gone = std::exchange(callbacks_, Callbacks{}); }
  Callbacks callbacks_;
  int depth_ = 0;
  bool released_ = false;
};

}  // namespace proa::http
