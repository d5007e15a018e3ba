#include "load/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::load {

namespace {

std::string fixed2(double v) {
  char buf[64];
  std::snprintf(buf, sizeof buf, "%.2f", v);
  return buf;
}

std::string nanos_time(WallTime t) {
  std::string out = rfc3339(t);
  char buf[16];
  std::snprintf(buf, sizeof buf, ".%09lldZ",
                static_cast<long long>(t.time_since_epoch().count() % 1'000'000'000));
  out.pop_back();
  return out + buf;
}

// Nearest rank over sorted latencies.
Duration quantile(const std::vector<Duration>& sorted, double q) {
  if (sorted.empty()) return Duration(0);
  auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::min(sorted.size(), std::max<size_t>(rank, 1)) - 1];
}

std::string padded(std::string_view text, size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

}  // namespace

std::string to_line(const Hit& hit) {
  std::string out =
      str("{\"attack\":\"\",\"seq\":", hit.seq, ",\"code\":", hit.code, ",\"timestamp\":\"",
          nanos_time(hit.at), "\",\"latency\":", static_cast<int64_t>(hit.latency.count()),
          ",\"bytes_out\":", hit.bytes_out, ",\"bytes_in\":", hit.bytes_in, ",\"error\":");
  json::dump_string(hit.error, out);
  out += ",\"body\":null,\"method\":";
  json::dump_string(hit.method, out);
  out += ",\"url\":";
  json::dump_string(hit.url, out);
  return out + ",\"headers\":null}\n";
}

Result<Hit> parse_line(std::string_view line) {
  TRY(json::Value v, json::parse(line));
  auto at = parse_rfc3339(v["timestamp"].str());
  if (!at || !v["latency"].is_int())
    return error(Code::kInvalid, "not a result: no timestamp or latency");
  Hit hit;
  hit.seq = static_cast<uint64_t>(v["seq"].integer());
  hit.at = *at;
  hit.latency = Duration(v["latency"].integer());
  hit.code = static_cast<int>(v["code"].integer());
  hit.bytes_in = static_cast<uint64_t>(v["bytes_in"].integer());
  hit.bytes_out = static_cast<uint64_t>(v["bytes_out"].integer());
  hit.error = v["error"].str();
  hit.method = v["method"].str();
  hit.url = v["url"].str();
  return hit;
}

Report summarize(std::vector<Hit>& hits) {
  Report r;
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.at < b.at; });
  std::vector<Duration> sorted;
  sorted.reserve(hits.size());
  for (const Hit& hit : hits) {
    ++r.requests;
    ++r.codes[hit.code];
    r.bytes_in += hit.bytes_in;
    r.bytes_out += hit.bytes_out;
    r.total_latency += hit.latency;
    r.end = std::max(r.end, hit.at + hit.latency);
    if (hit.code >= 200 && hit.code < 400) ++r.succeeded;
    if (!hit.error.empty() && r.errors.size() < 1000) r.errors.insert(hit.error);
    sorted.push_back(hit.latency);
  }
  if (hits.empty()) return r;
  std::sort(sorted.begin(), sorted.end());
  r.earliest = hits.front().at;
  r.latest = hits.back().at;
  r.duration = r.latest - r.earliest;
  r.wait = r.end - r.latest;
  r.mean = r.total_latency / static_cast<int64_t>(r.requests);
  r.min = sorted.front();
  r.max = sorted.back();
  r.p50 = quantile(sorted, 0.5);
  r.p90 = quantile(sorted, 0.9);
  r.p95 = quantile(sorted, 0.95);
  r.p99 = quantile(sorted, 0.99);
  r.success = static_cast<double>(r.succeeded) / static_cast<double>(r.requests);
  r.rate = static_cast<double>(r.requests);
  r.throughput = static_cast<double>(r.succeeded);
  if (double s = seconds(r.duration); s > 0) r.rate /= s;
  if (double s = seconds(r.duration + r.wait); s > 0) r.throughput /= s;
  return r;
}

Duration round_for_people(Duration d) {
  static constexpr int64_t kUnits[] = {3'600'000'000'000, 60'000'000'000, 1'000'000'000,
                                       1'000'000,         1000,           1};
  for (size_t i = 0; i + 1 < std::size(kUnits); ++i) {
    if (d.count() < kUnits[i]) continue;
    int64_t unit = kUnits[i + 1];
    return Duration((d.count() + unit / 2) / unit * unit);
  }
  return d;
}

std::string text_report(const Report& r) {
  auto d = [](Duration v) { return format_duration(round_for_people(v)); };
  auto n = static_cast<double>(std::max<uint64_t>(r.requests, 1));
  std::string codes;
  for (const auto& [code, count] : r.codes)
    codes += str(codes.empty() ? "" : "  ", code, ":", count);
  const std::pair<std::string, std::string> kRows[] = {
      {"Requests      [total, rate, throughput]",
       str(r.requests, ", ", fixed2(r.rate), ", ", fixed2(r.throughput))},
      {"Duration      [total, attack, wait]",
       str(d(r.duration + r.wait), ", ", d(r.duration), ", ", d(r.wait))},
      {"Latencies     [min, mean, 50, 90, 95, 99, max]",
       str(d(r.min), ", ", d(r.mean), ", ", d(r.p50), ", ", d(r.p90), ", ", d(r.p95), ", ",
           d(r.p99), ", ", d(r.max))},
      {"Bytes In      [total, mean]",
       str(r.bytes_in, ", ", fixed2(static_cast<double>(r.bytes_in) / n))},
      {"Bytes Out     [total, mean]",
       str(r.bytes_out, ", ", fixed2(static_cast<double>(r.bytes_out) / n))},
      {"Success       [ratio]", fixed2(r.success * 100) + "%"},
      {"Status Codes  [code:count]", codes},
  };
  std::string out;
  for (const auto& [name, value] : kRows) out += padded(name, 48) + value + "\n";
  out += "Error Set:\n";
  for (const std::string& e : r.errors) out += e + "\n";
  return out;
}

std::string json_report(const Report& r) {
  auto n = static_cast<double>(std::max<uint64_t>(r.requests, 1));
  auto ns = [](Duration d) { return json::Value(static_cast<int64_t>(d.count())); };
  json::Value codes{json::Object()}, errors{json::Array()};
  for (const auto& [code, count] : r.codes) codes.set(str(code), count);
  for (const std::string& e : r.errors) errors.push(e);
  return json::dump(json::object({
             {"latencies", json::object({{"total", ns(r.total_latency)},
                                         {"mean", ns(r.mean)},
                                         {"50th", ns(r.p50)},
                                         {"90th", ns(r.p90)},
                                         {"95th", ns(r.p95)},
                                         {"99th", ns(r.p99)},
                                         {"max", ns(r.max)},
                                         {"min", ns(r.min)}})},
             {"bytes_in",
              json::object({{"total", r.bytes_in}, {"mean", static_cast<double>(r.bytes_in) / n}})},
             {"bytes_out", json::object({{"total", r.bytes_out},
                                         {"mean", static_cast<double>(r.bytes_out) / n}})},
             {"earliest", nanos_time(r.earliest)},
             {"latest", nanos_time(r.latest)},
             {"end", nanos_time(r.end)},
             {"duration", ns(r.duration)},
             {"wait", ns(r.wait)},
             {"requests", r.requests},
             {"rate", r.rate},
             {"throughput", r.throughput},
             {"success", r.success},
             {"status_codes", codes},
             {"errors", errors},
         })) +
         "\n";
}

std::string histogram_report(const std::vector<Hit>& hits, const std::vector<Duration>& bounds) {
  std::vector<uint64_t> counts(bounds.size());
  for (const Hit& hit : hits) {
    size_t i = bounds.size();
    while (i > 1 && hit.latency < bounds[i - 1]) --i;
    ++counts[i - 1];
  }
  std::string out = "Bucket" + std::string(19, ' ') + "#        %        Histogram\n";
  for (size_t i = 0; i < bounds.size(); ++i) {
    std::string upper = i + 1 < bounds.size() ? format_duration(bounds[i + 1]) : "+Inf";
    double ratio =
        hits.empty() ? 0 : static_cast<double>(counts[i]) / static_cast<double>(hits.size());
    out += padded(str("[", format_duration(bounds[i]), ", ", upper, "]"), 25) +
           padded(str(counts[i]), 9) + padded(fixed2(ratio * 100) + "%", 9) +
           std::string(static_cast<size_t>(ratio * 75), '#') + "\n";
  }
  return out;
}

std::string html_plot(const std::vector<Hit>& hits, const Report& r, std::string_view title) {
  constexpr double kWidth = 1000, kHeight = 400;
  double top = std::log10(std::max(1.0, seconds(r.max) * 1e6)),
         bottom = std::log10(std::max(1.0, seconds(r.min) * 1e6));
  if (top - bottom < 0.1) top = bottom + 0.1;
  double span = std::max(1e-9, seconds(r.duration));
  std::string dots, grid;
  for (double decade = std::floor(bottom); decade <= top; ++decade) {
    double y = kHeight * (1 - (decade - bottom) / (top - bottom));
    if (y < 0 || y > kHeight) continue;
    grid += str("<line x1=0 x2=1000 y1=", y, " y2=", y, " stroke='#ddd'/><text x=4 y=", y - 3, ">",
                format_duration(Duration(static_cast<int64_t>(std::pow(10, decade) * 1000))),
                "</text>");
  }
  size_t step = std::max<size_t>(1, hits.size() / 20000);  // the slowest of each step is drawn
  for (size_t i = 0; i < hits.size(); i += step) {
    const Hit* slowest = &hits[i];
    for (size_t k = i; k < std::min(i + step, hits.size()); ++k)
      if (hits[k].latency > slowest->latency) slowest = &hits[k];
    double x = seconds(slowest->at - r.earliest) / span * kWidth;
    double y =
        kHeight * (1 - (std::log10(std::max(1.0, seconds(slowest->latency) * 1e6)) - bottom) /
                           (top - bottom));
    dots += str("<circle cx=", std::round(x * 10) / 10, " cy=", std::round(y * 10) / 10, " r=1.5",
                slowest->error.empty() ? "" : " fill='#c00'", "/>");
  }
  std::string escaped = replace_all(replace_all(title, "&", "&amp;"), "<", "&lt;");
  std::string report = replace_all(replace_all(text_report(r), "&", "&amp;"), "<", "&lt;");
  return str(
      "<!doctype html><meta charset=utf-8><title>", escaped,
      "</title><style>body{font:14px sans-serif;margin:2em}",
      "svg{overflow:visible;max-width:100%}text{font-size:11px;fill:#777}</style><h1>", escaped,
      "</h1><p>Latency from the intended start, logarithmic; errors in red; ",
      format_duration(round_for_people(r.duration)),
      " from left to right.</p><svg viewBox='0 0 1000 400' width=1000 height=400 fill='#369'>",
      grid, dots, "</svg><pre>", report, "</pre>\n");
}

}  // namespace proa::load
