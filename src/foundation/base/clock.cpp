#include "foundation/base/clock.h"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "foundation/base/strings.h"

namespace proa {

namespace {
class RealClock : public Clock {
 public:
  MonoTime mono() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};

// Reads exactly `digits` digits at text[at].
std::optional<int> number(std::string_view text, size_t at, size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int v = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    v = v * 10 + (text[i] - '0');
  }
  return v;
}

// Value with at most nine decimals, no trailing zeros: 1463000 of 1000000 → "1.463".
void append_fraction(std::string& out, int64_t value, int64_t unit) {
  append_number(out, value / unit);
  int64_t rest = value % unit;
  if (!rest) return;
  std::string digits = str(unit + rest).substr(1);
  while (digits.back() == '0') digits.pop_back();
  out += '.';
  out += digits;
}
}  // namespace

Clock& real_clock() {
  static RealClock clock;
  return clock;
}

std::string rfc3339(WallTime time, bool micros) {
  auto since = time.time_since_epoch();
  std::time_t secs = std::chrono::duration_cast<std::chrono::seconds>(since).count();
  std::tm parts{};
  ::gmtime_r(&secs, &parts);
  char buf[40];
  size_t n = std::strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(buf, n);
  if (micros) {
    int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(since).count() % 1'000'000;
    std::snprintf(buf, sizeof buf, ".%06d", static_cast<int>(us));
    out += buf;
  }
  return out + "Z";
}

std::optional<WallTime> parse_rfc3339(std::string_view t) {
  auto y = number(t, 0, 4), mo = number(t, 5, 2), d = number(t, 8, 2), h = number(t, 11, 2),
       mi = number(t, 14, 2), s = number(t, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || t[4] != '-' || t[10] != 'T') return std::nullopt;
  std::tm parts{};
  parts.tm_year = *y - 1900;
  parts.tm_mon = *mo - 1;
  parts.tm_mday = *d;
  parts.tm_hour = *h;
  parts.tm_min = *mi;
  parts.tm_sec = *s;
  Duration time = std::chrono::seconds(::timegm(&parts));
  size_t at = 19;
  if (at < t.size() && t[at] == '.') {
    int64_t unit = 100'000'000;
    for (++at; at < t.size() && t[at] >= '0' && t[at] <= '9'; ++at, unit /= 10)
      time += Duration((t[at] - '0') * unit);
  }
  if (at + 1 == t.size() && t[at] == 'Z') return WallTime(time);
  if (at + 6 != t.size() || (t[at] != '+' && t[at] != '-')) return std::nullopt;
  auto zh = number(t, at + 1, 2), zm = number(t, at + 4, 2);
  if (!zh || !zm) return std::nullopt;
  Duration zone = std::chrono::minutes(*zh * 60 + *zm);
  return WallTime(t[at] == '+' ? time - zone : time + zone);
}

std::optional<Duration> parse_duration(std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    double value = 0;
    auto r =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (r.ec != std::errc() || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(r.ptr - text.data()));
    size_t n = 0;
    while (n < text.size() && text[n] != '.' && (text[n] < '0' || text[n] > '9')) ++n;
    std::string_view unit = text.substr(0, n);
    text.remove_prefix(n);
    double scale = unit == "ns"                   ? 1
                   : unit == "us" || unit == "µs" ? 1e3
                   : unit == "ms"                 ? 1e6
                   : unit == "s"                  ? 1e9
                   : unit == "m"                  ? 60e9
                   : unit == "h"                  ? 3600e9
                                                  : 0;
    if (scale == 0) return std::nullopt;
    total += value * scale;
  }
  if (total > 9.2e18) return std::nullopt;
  return Duration(static_cast<int64_t>(negative ? -total : total));
}

std::string format_duration(Duration d) {
  int64_t ns = d.count();
  if (ns == 0) return "0s";
  std::string out;
  if (ns < 0) {
    out = "-";
    ns = -ns;
  }
  if (ns < 1'000'000'000) {
    auto [unit, name] = ns >= 1'000'000 ? std::pair{int64_t{1'000'000}, "ms"}
                        : ns >= 1000    ? std::pair{int64_t{1000}, "µs"}
                                        : std::pair{int64_t{1}, "ns"};
    append_fraction(out, ns, unit);
    return out + name;
  }
  int64_t hours = ns / 3'600'000'000'000, minutes = ns / 60'000'000'000 % 60;
  if (hours) out += str(hours, "h");
  if (hours || minutes) out += str(minutes, "m");
  append_fraction(out, ns % 60'000'000'000, 1'000'000'000);
  return out + "s";
}

}  // namespace proa
