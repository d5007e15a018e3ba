#include <gtest/gtest.h>

#include "load/flags.h"
#include "load/report.h"
#include "load/targets.h"

namespace proa::load {

using std::chrono::milliseconds;

static Hit hit(int at_ms, int latency_ms, int code, std::string error = "") {
  Hit h;
  h.at = WallTime(std::chrono::seconds(1'700'000'000)) + milliseconds(at_ms);
  h.latency = milliseconds(latency_ms);
  h.code = code;
  h.bytes_in = 23;
  h.bytes_out = 82;
  h.error = std::move(error);
  return h;
}

TEST(Report, HasTheFormOfTheTutorial) {
  std::vector<Hit> hits = {hit(0, 10, 200), hit(1000, 20, 200),
                           hit(2000, 30, 503, "503 Service Unavailable"), hit(3000, 40, 200)};
  EXPECT_EQ(
      text_report(summarize(hits)),
      "Requests      [total, rate, throughput]         4, 1.33, 0.99\n"
      "Duration      [total, attack, wait]             3.04s, 3s, 40ms\n"
      "Latencies     [min, mean, 50, 90, 95, 99, max]  10ms, 25ms, 20ms, 40ms, 40ms, 40ms, 40ms\n"
      "Bytes In      [total, mean]                     92, 23.00\n"
      "Bytes Out     [total, mean]                     328, 82.00\n"
      "Success       [ratio]                           75.00%\n"
      "Status Codes  [code:count]                      200:3  503:1\n"
      "Error Set:\n503 Service Unavailable\n");
}

TEST(Report, RoundsDurationsForPeople) {
  EXPECT_EQ(format_duration(round_for_people(Duration(1'352'499))), "1.352ms");
  EXPECT_EQ(format_duration(round_for_people(Duration(59'998'600'000))), "59.999s");
  EXPECT_EQ(format_duration(round_for_people(Duration(150'123))), "150.123µs");
}

TEST(Report, ALineIsReadBackAsItWasWritten) {
  Hit before = hit(5, 7, 404, "404 Not Found");
  before.method = "POST";
  before.url = "http://h/\"q\"";
  auto after = parse_line(to_line(before));
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(after->at, before.at);
  EXPECT_EQ(after->latency, before.latency);
  EXPECT_EQ(after->url, before.url);
  EXPECT_EQ(after->error, before.error);
}

TEST(Report, OfNoRequestsIsAllZeros) {
  std::vector<Hit> none;
  EXPECT_NE(text_report(summarize(none)).find("0, 0.00, 0.00"), std::string::npos);
}

TEST(Targets, ReadTheTutorialsFile) {
  auto t = parse_http_targets(
      "POST http://a.b.svc.cluster.local/v1/models/x:predict\nX-A: b\n\nGET https://h:8443/\n");
  ASSERT_TRUE(t.ok()) << t.error().message;
  ASSERT_EQ(t->size(), 2u);
  EXPECT_EQ((*t)[0].host, "a.b.svc.cluster.local");
  EXPECT_EQ((*t)[0].port, 80);
  EXPECT_EQ((*t)[0].path, "/v1/models/x:predict");
  EXPECT_EQ((*t)[0].headers[0].second, "b");
  EXPECT_EQ((*t)[1].port, 8443);
  EXPECT_TRUE((*t)[1].tls);
}

TEST(Targets, RefuseWhatTheyCannotRequest) {
  for (const char* bad :
       {"", "GET ftp://x/", "GET http://:80/", "Header: first", "GET http://x/\n@/no/such/file"})
    EXPECT_FALSE(parse_http_targets(bad).ok()) << bad;
}

TEST(Flags, AreReadAsGoReadsThem) {
  Flags flags({{"rate", "50"}, {"h2c", "false"}, {"duration", "0"}, {"header", ""}});
  auto end = flags.parse({"-rate=500/1s", "--duration", "1m", "-h2c", "rest"}, 0);
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(*end, 4u);
  EXPECT_EQ(*parse_rate(flags.text("rate")), 500);
  EXPECT_EQ(*flags.duration("duration"), std::chrono::minutes(1));
  EXPECT_TRUE(flags.truth("h2c"));
  EXPECT_FALSE(flags.parse({"-unknown"}, 0).ok());
  EXPECT_FALSE(parse_rate("0").ok());
  EXPECT_EQ(*parse_rate("5/100ms"), 50);
  EXPECT_EQ(*parse_rate("500/s"), 500);
}

}  // namespace proa::load
