// The two command lines over attack and report.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "load/attack.h"
#include "load/flags.h"
#include "load/load.h"

namespace proa::load {

namespace {

constexpr const char* kLoadHelp = R"(proa load: requests at a constant rate, and an honest report

  proa load --rate 500 --duration 60s --url http://HOST/PATH [--method POST] [--body FILE]
  proa load --rate 500/1s --duration 1m --targets FILE

  --rate N[/D]       requests a second, or N in a duration (50)
  --duration D       how long, e.g. 10s, 1m (10s); 0: until Ctrl-C
  --targets FILE     what to request: METHOD URL, header lines, @BODYFILE, blank line; - is standard input
  --format F         of the targets: http or json (http)
  --url U, --method M, --body FILE, --header 'NAME: VALUE'
  --timeout D        for one request (30s)
  --connections N    idle connections kept per host (10000)
  --max-in-flight N  requests at once; beyond it they start late, and their latency says so (10000)
  --http2            HTTP/2
  --output O         text, json or html (text)
  --results FILE     each request's result too, a line of JSON each

A latency counts from the moment the request was due, so a server that stalls cannot hide it.
)";

constexpr const char* kVegetaHelp =
    R"(vegeta: the load test of proa, under the name that tutorials use

  vegeta attack -duration=1m -rate=500/1s -targets=FILE [-output=FILE] | vegeta report -type=text
  vegeta report [-type=text|json|hist[0,1ms,10ms]|plot] [-output=FILE] [FILE...]
  vegeta plot [FILE...] > plot.html

attack: -body -connections -duration -format -h2c -header -http2 -max-workers -name -output -rate -targets -timeout
)";

int fail(std::string_view program, const Error& e) {
  std::string line = str(program, ": ", e.message, "\n");
  [[maybe_unused]] ssize_t n = ::write(2, line.data(), line.size());
  return 1;
}

Status write_out(const std::string& path, std::string_view text) {
  Fd file;
  int fd = 1;
  if (path != "stdout" && path != "-" && !path.empty()) {
    file = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return errno_error(str("open ", path));
    fd = file.get();
  }
  while (!text.empty()) {
    ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(str("write ", path));
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<std::string> read_in(const std::string& path) {
  return read_file(path == "stdin" || path == "-" ? "/dev/stdin" : path, size_t{4} << 30);
}

Result<std::vector<Target>> targets_of(const Flags& flags, const std::string& url) {
  std::vector<Target> targets;
  if (!url.empty()) {
    TRY(Target target, make_target(flags.text("method"), url));
    targets.push_back(std::move(target));
  } else {
    auto text = read_in(flags.text("targets"));
    if (!text.ok()) return std::move(text).error().with_context("targets");
    auto parsed =
        flags.text("format") == "json" ? parse_json_targets(*text) : parse_http_targets(*text);
    TRY(targets, std::move(parsed));
  }
  if (!flags.text("body").empty()) {
    auto body = read_in(flags.text("body"));
    if (!body.ok()) return std::move(body).error().with_context("body");
    for (Target& target : targets) target.body = *body;
  }
  for (const std::string& line : flags.headers()) {
    TRY(auto header, parse_header(line));
    for (Target& target : targets) target.headers.push_back(header);
  }
  return targets;
}

Result<AttackOptions> attack_options(const Flags& flags, const char* in_flight) {
  AttackOptions options;
  TRY(options.rate, parse_rate(flags.text("rate")));
  TRY(options.duration, flags.duration("duration"));
  TRY(options.timeout, flags.duration("timeout"));
  TRY(auto connections, flags.integer("connections"));
  TRY(auto most, flags.integer(in_flight));
  options.most_connections = static_cast<size_t>(connections);
  options.most_in_flight =
      static_cast<size_t>(std::min<int64_t>(std::max<int64_t>(most, 1), 1'000'000));
  options.http2 = flags.truth("http2");
  return options;
}

// Runs the attack to its end or the first SIGINT/SIGTERM.
void run(const AttackOptions& options, std::vector<Target> targets,
         std::function<void(const Hit&)> on_hit) {
  async::Loop loop;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  Fd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  Attack attack(loop, options, std::move(targets), std::move(on_hit), [&] { loop.stop(); });
  loop.watch(signal_fd.get(), EPOLLIN, [&](uint32_t) {
    signalfd_siginfo info;
    [[maybe_unused]] ssize_t n = ::read(signal_fd.get(), &info, sizeof info);
    attack.stop();
  });
  attack.start();
  loop.run();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

Result<std::string> render(std::string_view type, std::vector<Hit>& hits) {
  Report report = summarize(hits);
  if (type == "text") return text_report(report);
  if (type == "json") return json_report(report);
  if (type == "html" || type == "plot") return html_plot(hits, report, "Load test");
  if (type.starts_with("hist[") && type.back() == ']') {
    std::vector<Duration> bounds;
    for (std::string_view part : split(type.substr(5, type.size() - 6), ',')) {
      auto d = parse_duration(trim(part));
      if (!d || (!bounds.empty() && *d <= bounds.back()))
        return error(Code::kInvalid, str("histogram \"", type,
                                         "\": expected rising durations, e.g. hist[0,1ms,10ms]"));
      bounds.push_back(*d);
    }
    return histogram_report(hits, bounds);
  }
  return error(Code::kInvalid,
               str("report type \"", type, "\": expected text, json, hist[…] or plot"));
}

std::vector<std::string> arguments(int argc, char** argv) { return {argv + 1, argv + argc}; }

Status load_command(const std::vector<std::string>& args) {
  Flags flags({{"rate", "50"},
               {"duration", "10s"},
               {"targets", ""},
               {"format", "http"},
               {"url", ""},
               {"method", "GET"},
               {"body", ""},
               {"header", ""},
               {"timeout", "30s"},
               {"connections", "10000"},
               {"max-in-flight", "10000"},
               {"http2", "false"},
               {"output", "text"},
               {"results", ""}});
  TRY(size_t end, flags.parse(args, 0));
  if (flags.help()) return write_out("-", kLoadHelp);
  if (end != args.size())
    return error(Code::kInvalid, str("unexpected argument \"", args[end], "\"; see --help"));
  if (flags.text("url").empty() == flags.text("targets").empty())
    return error(Code::kInvalid, "give either --url or --targets; see --help");
  std::vector<Hit> hits;
  // A wrong --output is told before the attack, not after it.
  if (auto shown = render(flags.text("output"), hits); !shown.ok())
    return std::move(shown).error();
  TRY(AttackOptions options, attack_options(flags, "max-in-flight"));
  TRY(auto targets, targets_of(flags, flags.text("url")));
  run(options, std::move(targets), [&](const Hit& hit) { hits.push_back(hit); });
  if (!flags.text("results").empty()) {
    std::string lines;
    for (const Hit& hit : hits) lines += to_line(hit);
    TRY_STATUS(write_out(flags.text("results"), lines));
  }
  TRY(std::string text, render(flags.text("output"), hits));
  return write_out("-", text);
}

Status attack_command(const std::vector<std::string>& args, size_t at) {
  Flags flags({{"rate", "50/1s"},        {"duration", "0"},     {"targets", "stdin"},
               {"format", "http"},       {"method", "GET"},     {"body", ""},
               {"header", ""},           {"timeout", "30s"},    {"connections", "10000"},
               {"max-connections", "0"}, {"workers", "10"},     {"max-workers", "10000"},
               {"http2", "true"},        {"h2c", "false"},      {"name", ""},
               {"output", "stdout"},     {"keepalive", "true"}, {"lazy", "false"},
               {"redirects", "10"},      {"max-body", "-1"}});
  TRY(size_t end, flags.parse(args, at));
  if (flags.help()) return write_out("-", kVegetaHelp);
  if (end != args.size())
    return error(Code::kInvalid, str("unexpected argument \"", args[end], "\"; see -help"));
  if (!flags.truth("keepalive"))
    return error(Code::kUnimplemented, "-keepalive=false: connections are always kept");
  TRY(AttackOptions options, attack_options(flags, "max-workers"));
  options.http2 = flags.truth("h2c");
  TRY(auto targets, targets_of(flags, ""));
  const std::string& path = flags.text("output");
  Fd file(path == "stdout" ? ::dup(1)
                           : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return errno_error(str("open ", path));
  std::string pending;
  Status written;
  auto flush = [&] {
    std::string_view rest = pending;
    while (!rest.empty() && written.ok()) {
      ssize_t n = ::write(file.get(), rest.data(), rest.size());
      if (n < 0 && errno != EINTR)
        written = errno_error(str("write ", path));
      else if (n > 0)
        rest.remove_prefix(static_cast<size_t>(n));
    }
    pending.clear();
  };
  run(options, std::move(targets), [&](const Hit& hit) {
    pending += to_line(hit);
    if (pending.size() > 32768) flush();
  });
  flush();
  return written;
}

Status report_command(const std::vector<std::string>& args, size_t at, std::string_view type) {
  Flags flags({{"type", std::string(type)},
               {"output", "stdout"},
               {"every", "0"},
               {"buckets", ""},
               {"title", ""}});
  TRY(size_t end, flags.parse(args, at));
  if (flags.help()) return write_out("-", kVegetaHelp);
  std::vector<std::string> files(args.begin() + static_cast<long>(end), args.end());
  if (files.empty()) files.push_back("stdin");
  std::vector<Hit> hits;
  for (const std::string& file : files) {
    TRY(std::string text, read_in(file));
    for (std::string_view line : split(text, '\n')) {
      if (trim(line).empty()) continue;
      auto hit = parse_line(line);
      if (!hit.ok()) return std::move(hit).error().with_context(file);
      hits.push_back(std::move(*hit));
    }
  }
  TRY(std::string text, render(flags.text("type"), hits));
  return write_out(flags.text("output"), text);
}

Status vegeta_command(const std::vector<std::string>& args) {
  Flags global({{"cpus", "1"}, {"profile", ""}, {"version", "false"}});
  TRY(size_t at, global.parse(args, 0));
  if (global.help() || at == args.size()) return write_out("-", kVegetaHelp);
  if (args[at] == "attack") return attack_command(args, at + 1);
  if (args[at] == "report") return report_command(args, at + 1, "text");
  if (args[at] == "plot") return report_command(args, at + 1, "plot");
  return error(Code::kUnimplemented,
               str("command \"", args[at], "\": attack, report and plot are there"));
}

}  // namespace

int load_main(int argc, char** argv) {
  Status status = load_command(arguments(argc, argv));
  return status.ok() ? 0 : fail("proa load", status.error());
}

int vegeta_main(int argc, char** argv) {
  Status status = vegeta_command(arguments(argc, argv));
  return status.ok() ? 0 : fail("vegeta", status.error());
}

}  // namespace proa::load
