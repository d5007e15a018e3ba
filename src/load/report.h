// What an attack measured, and how it is told: text as in the field's tutorials, JSON, histogram,
// plot.
//
// Pure. Hit is one request's result; its line form is vegeta's JSON, so either program reads the
// other's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/base/result.h"

namespace proa::load {

struct Hit {
  uint64_t seq = 0;
  WallTime at;                           // intended start
  Duration latency;                      // from the intended start to the end of the answer
  int code = 0;                          // HTTP status; 0 if none came
  uint64_t bytes_in = 0, bytes_out = 0;  // of the bodies
  std::string error;                     // "" if code is 200 to 399
  std::string method, url;
};

std::string to_line(const Hit& hit);  // with the newline
Result<Hit> parse_line(std::string_view line);

struct Report {
  uint64_t requests = 0, succeeded = 0, bytes_in = 0, bytes_out = 0;
  Duration total_latency{}, mean{}, p50{}, p90{}, p95{}, p99{}, min{}, max{};
  WallTime earliest, latest, end;
  Duration duration{}, wait{};  // first to last start; last start to last end
  double rate = 0, throughput = 0, success = 0;
  std::map<int, uint64_t> codes;
  std::set<std::string> errors;
};

Report summarize(std::vector<Hit>& hits);  // sorts them by start
std::string text_report(const Report& r);
std::string json_report(const Report& r);
std::string histogram_report(const std::vector<Hit>& hits, const std::vector<Duration>& bounds);
std::string html_plot(const std::vector<Hit>& hits, const Report& r, std::string_view title);

Duration round_for_people(Duration d);  // four or so digits: 1.463ms, 59.999s

}  // namespace proa::load
