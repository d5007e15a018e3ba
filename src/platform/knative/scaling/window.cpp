#include "platform/knative/scaling/window.h"

#include <algorithm>
#include <cmath>

namespace proa::knative {
namespace {

double rounded(double v) { return std::round(v * 1e6) / 1e6; }

size_t buckets_of(Duration length) {
  const auto second = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
  return static_cast<size_t>(std::clamp<int64_t>((length.count() + second - 1) / second, 1, 3600));
}

}  // namespace

Window::Window(Duration length, Aggregation aggregation)
    : buckets_(buckets_of(length)), aggregation_(aggregation) {
  // 99.99 % of the weight lies within the window, but no bucket is weighed less than a fifth.
  coefficient_ =
      std::max(1 - std::pow(1 - 0.9999, 1.0 / static_cast<double>(buckets_.size())), 0.2);
}

void Window::record(int64_t second, double value) {
  const int64_t n = static_cast<int64_t>(buckets_.size());
  if (last_ < 0 || second - last_ >= n) {
    std::fill(buckets_.begin(), buckets_.end(), 0);
    first_ = last_ = second;
  } else if (second > last_) {
    for (int64_t s = last_ + 1; s <= second; ++s) at(s) = 0;
    last_ = second;
  } else if (second <= last_ - n) {
    return;
  } else if (second < first_) {
    first_ = second;
  }
  at(second) += value;
}

bool Window::empty(int64_t now) const {
  return last_ < 0 || now - last_ >= static_cast<int64_t>(buckets_.size());
}

double Window::average(int64_t now) const {
  if (empty(now)) return 0;
  return rounded(aggregation_ == Aggregation::kLinear ? linear(now) : exponential(now));
}

double Window::linear(int64_t now) const {
  const int64_t n = static_cast<int64_t>(buckets_.size());
  const int64_t missing = std::max<int64_t>(0, now - last_);
  double total = 0;
  for (int64_t s = std::max(first_, std::max(now, last_) - n + 1); s <= last_; ++s) total += at(s);
  const int64_t divisor = std::min(last_ - first_ + 1, n - missing);
  return total / static_cast<double>(std::max<int64_t>(1, divisor));
}

double Window::exponential(int64_t now) const {
  const int64_t n = static_cast<int64_t>(buckets_.size());
  const int64_t missing = std::max<int64_t>(0, now - last_);
  double weight = coefficient_ * std::pow(1 - coefficient_, static_cast<double>(missing));
  double sum = 0;
  for (int64_t s = last_; s >= std::max(first_, std::max(now, last_) - n + 1); --s) {
    sum += at(s) * weight;
    weight *= 1 - coefficient_;
  }
  return sum;
}

}  // namespace proa::knative
