// Time comes in through the constructor: Clock, the real one, one that tests turn by hand, RFC
// 3339.
//
// Thread-safe. FakeClock moves only by advance().
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace proa {

using Duration = std::chrono::nanoseconds;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;  // for intervals
  virtual WallTime wall() const = 0;  // for timestamps
};

Clock& real_clock();

class FakeClock : public Clock {
 public:
  MonoTime mono() const override { return MonoTime(Duration(ns_.load())); }
  WallTime wall() const override { return WallTime(Duration(ns_.load()) + start_); }
  void advance(Duration by) { ns_ += by.count(); }

 private:
  static constexpr Duration start_ = std::chrono::hours(24 * 365 * 50);
  std::atomic<int64_t> ns_{1'000'000'000};
};

// "2026-11-01T10:00:00Z", as Kubernetes writes metav1.Time; micros: "…00.000000Z" (MicroTime).
std::string rfc3339(WallTime time, bool micros = false);
std::optional<WallTime> parse_rfc3339(std::string_view text);

// Go's duration text: "1h2m3.5s", "150ms"; nullopt if it is none.
std::optional<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration d);  // as Go prints it: "1m0s", "1.463ms", "0s"

inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace proa
