#include "load/attack.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::load {

Result<std::string> resolve(const std::string& host) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  int rc = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (rc != 0) return error(Code::kUnavailable, str("resolve ", host, ": ", ::gai_strerror(rc)));
  char text[INET6_ADDRSTRLEN] = "";
  for (addrinfo* a = found; a && !*text; a = a->ai_next)
    if (a->ai_family == AF_INET)
      ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(a->ai_addr)->sin_addr, text,
                  sizeof text);
  ::freeaddrinfo(found);
  if (!*text) return error(Code::kUnavailable, str("resolve ", host, ": no IPv4 address"));
  return std::string(text);
}

static http::ClientOptions client_options(const AttackOptions& options) {
  http::ClientOptions c;
  c.most_idle_per_host = options.most_connections;
  c.http2 = options.http2;
  c.connect_timeout = options.timeout;
  return c;
}

Attack::Attack(async::Loop& loop, AttackOptions options, std::vector<Target> targets,
               std::function<void(const Hit&)> on_hit, std::function<void()> on_done)
    : loop_(loop),
      options_(options),
      targets_(std::move(targets)),
      on_hit_(std::move(on_hit)),
      on_done_(std::move(on_done)),
      client_(loop, client_options(options)) {
  for (const Target& target : targets_) {
    std::string address = target.host;
    if (!target.tls)  // a certificate is checked against the name
      if (auto found = resolve(target.host); found.ok()) address = *found;
    addresses_.push_back(address);
  }
  if (options_.duration.count() > 0)
    total_ = std::max<uint64_t>(
        1, static_cast<uint64_t>(std::llround(options_.rate * seconds(options_.duration))));
}

void Attack::start() {
  start_ = loop_.clock().mono();
  wall_start_ = loop_.clock().wall();
  pump();
}

void Attack::stop() {
  stopped_ = true;
  pump();
}

void Attack::pump() {
  if (done_) return;
  bool over = stopped_ || (total_ && next_ == total_);
  if (over && in_flight_ == 0) {
    done_ = true;
    on_done_();
    return;
  }
  if (over) return;
  auto due = [&] {
    return start_ +
           Duration(static_cast<int64_t>(static_cast<double>(next_) / options_.rate * 1e9));
  };
  MonoTime now = loop_.clock().mono();
  while (!(total_ && next_ == total_) && due() <= now) {
    if (in_flight_ >= options_.most_in_flight) return;  // finished() pumps again
    send(next_++);
  }
  if (!(total_ && next_ == total_)) loop_.after(due() - now, [this] { pump(); });
}

void Attack::send(uint64_t seq) {
  const Target& target = targets_[seq % targets_.size()];
  Hit hit;
  hit.seq = seq;
  hit.at =
      wall_start_ + Duration(static_cast<int64_t>(static_cast<double>(seq) / options_.rate * 1e9));
  hit.method = target.method;
  hit.url = target.url;
  hit.bytes_out = target.body.size();
  http::ClientRequest request;
  request.host = addresses_[seq % targets_.size()];
  request.port = target.port;
  request.tls = target.tls;
  request.method = target.method;
  request.target = target.path;
  request.body = target.body;
  request.timeout = options_.timeout;
  bool plain_port = target.port == (target.tls ? 443 : 80);
  request.headers.set("Host", plain_port ? target.host : str(target.host, ":", target.port));
  request.headers.set("User-Agent", "proa-load");
  for (const auto& [name, value] : target.headers) request.headers.set(name, value);
  ++in_flight_;
  client_.fetch(std::move(request),
                [this, hit = std::move(hit)](Result<http::Response> answer) mutable {
                  finished(std::move(hit), answer);
                });
}

void Attack::finished(Hit hit, const Result<http::Response>& answer) {
  --in_flight_;
  hit.latency = std::max(Duration(0), loop_.clock().mono() - start_ - (hit.at - wall_start_));
  if (answer.ok()) {
    hit.code = answer->status;
    hit.bytes_in = answer->body.size();
    if (hit.code < 200 || hit.code >= 400)
      hit.error = str(hit.code, " ", http::reason_phrase(hit.code));
  } else {
    hit.error = str(hit.method, " \"", hit.url, "\": ", answer.error().message);
  }
  on_hit_(hit);
  bool over = stopped_ || (total_ && next_ == total_);
  if (over ? in_flight_ == 0 : in_flight_ + 1 == options_.most_in_flight) pump();
}

}  // namespace proa::load
