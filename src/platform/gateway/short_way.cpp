#include "platform/gateway/short_way.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "platform/gateway/outgoing.h"
#include "platform/gateway/retry.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {
namespace {

constexpr size_t kMostSpares = 256;

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// The rule's changes, or the destination's: at most one of them has any.
struct Changes {
  const HeaderChange* change = nullptr;
  Changes(const HeaderChange& rule, const HeaderChange& to)
      : change(!rule.empty() ? &rule
               : !to.empty() ? &to
                             : nullptr) {}
  bool replaces(std::string_view name) const {
    if (!change) return false;
    for (const std::string& n : change->remove)
      if (http::same_name(n, name)) return true;
    for (const auto& [n, v] : change->set)
      if (http::same_name(n, name)) return true;
    return false;
  }
  void append(std::string& out) const {
    if (!change) return;
    for (const auto* list : {&change->set, &change->add})
      for (const auto& [name, value] : *list)
        if (http::is_token(name) && http::is_field_value(value) && !http::is_hop_by_hop(name))
          append_line(out, name, value);
  }
};

std::string_view header_of(const void* fields, std::string_view name) {
  for (const http::FieldView& f : *static_cast<const std::span<const http::FieldView>*>(fields))
    if (http::same_name(f.name, name)) return f.value.data() ? f.value : std::string_view("", 0);
  return {};
}

RequestFacts facts_of(const http::RequestView& request) {
  RequestFacts facts;
  facts.method = request.method;
  facts.path = request.path();
  if (facts.path.size() < request.target.size())
    facts.query = request.target.substr(facts.path.size() + 1);
  facts.scheme = request.tls ? "https" : "http";
  facts.headers = &request.fields;
  facts.header = header_of;
  return facts;
}

bool is_short(const Rule& rule) {
  return !rule.redirect && !rule.direct && !rule.fault && rule.mirrors.empty() && !rule.cors &&
         rule.retries.per_try.count() == 0;
}
bool is_short(const Rule& rule, const Destination& to) {
  return (rule.request.empty() || to.request.empty()) &&
         (rule.response.empty() || to.response.empty());
}

// When the exchange must be over; {}: never.
MonoTime deadline_of(const Rule& rule, MonoTime now, Duration backend_timeout) {
  Duration timeout = rule.timeout.count() ? rule.timeout : backend_timeout;
  return timeout == kNoTimeout ? MonoTime{} : now + timeout;
}

}  // namespace

struct ShortWay::Ticket final : http::RelayTicket {
  explicit Ticket(ShortWay& w) : way(w) {}
  bool on_head(int status, std::span<const http::FieldView> fields, std::string& out) override;
  bool on_error(const http::UpstreamError& failure, int& status, std::string& fields,
                std::string& body) override;
  void on_end(uint64_t bytes, bool aborted) override;
  bool late(MonoTime now);
  void finish(int code, uint64_t bytes_out);
  void again(int tries, bool refused);
  std::string_view piece(size_t i) const {
    size_t from = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(from, ends[i] - from);
  }

  ShortWay& way;
  size_t place = 0;
  http::RelayControl* control = nullptr;
  std::shared_ptr<const Table> table;  // keeps rule and to alive
  const Rule* rule = nullptr;
  const Destination* to = nullptr;
  Backend* backend = nullptr;
  std::shared_ptr<Endpoint> endpoint;
  MonoTime began{}, deadline{};
  uint64_t bytes_in = 0;
  int status = 0;
  bool repeatable = false;
  std::string id;       // x-request-id
  std::string text;     // what the log line needs
  size_t ends[5] = {};  // of method, host, target, user agent, peer
};

ShortWay::ShortWay(Worker& worker, std::shared_ptr<const Door> door)
    : worker_(worker), door_(std::move(door)) {
  worker_.add_way(*this);
}

ShortWay::~ShortWay() { worker_.remove_way(*this); }

ShortWay::Ticket& ShortWay::take() {
  if (spares_.empty()) spares_.push_back(std::make_unique<Ticket>(*this));
  spares_.back()->place = active_.size();
  active_.push_back(std::move(spares_.back()));
  spares_.pop_back();
  return *active_.back();
}

void ShortWay::give_back(Ticket& ticket) {
  size_t place = ticket.place;
  ticket.table = nullptr;
  ticket.endpoint = nullptr;
  ticket.backend = nullptr;
  ticket.control = nullptr;
  std::swap(active_[place], active_.back());
  active_[place]->place = place;
  if (spares_.size() < kMostSpares) spares_.push_back(std::move(active_.back()));
  active_.pop_back();
}

http::RelayTicket* ShortWay::begin(const http::RequestView& request, http::RelayOrder& order,
                                   http::RelayControl& control) {
  worker_.take_resume();
  if (worker_.stopped() || request.body.size() > worker_.options().most_body_bytes) return nullptr;
  const auto& table = worker_.table();
  std::string buffer;
  RequestFacts facts = facts_of(request);
  const Host* host = worker_.find_host(*door_, request.authority, buffer, facts.port);
  if (!host) return nullptr;
  facts.authority = host->name;
  facts.listener = door_->port;
  const Matched matched = host->match(facts);
  if (!matched.rule || !is_short(*matched.rule)) return nullptr;
  const Destination* to = pick(*matched.rule, static_cast<uint32_t>(worker_.random()));
  if (!to || !to->backend || !is_short(*matched.rule, *to)) return nullptr;
  const MonoTime now = worker_.loop().now();
  std::shared_ptr<Endpoint> endpoint;
  Duration timeout{};
  if (!worker_.admits() ||
      !to->backend->try_enter(now, static_cast<uint32_t>(worker_.random()), &endpoint, &timeout))
    return nullptr;
  if (endpoint->http2) {
    to->backend->leave(now, endpoint.get());
    return nullptr;
  }
  Ticket& ticket = take();
  ticket.control = &control;
  ticket.table = table;
  ticket.rule = matched.rule;
  ticket.to = to;
  ticket.backend = to->backend.get();
  ticket.began = now;
  ticket.deadline = deadline_of(*matched.rule, now, timeout);
  ticket.bytes_in = request.body.size();
  ticket.status = 0;
  ticket.repeatable = is_repeatable(request.method, facts.path);
  ticket.endpoint = std::move(endpoint);
  order.to.address = ticket.endpoint->address;
  order.to.port = ticket.endpoint->port;
  order.pool = &worker_.pool();
  write_head(request, ticket, matched.prefix, order.head);
  worker_.metrics().requests.add();
  return &ticket;
}

// As make_upstream_head, over views.
void ShortWay::write_head(const http::RequestView& request, Ticket& ticket, size_t prefix,
                          std::string& out) {
  const Rule& rule = *ticket.rule;
  const Changes changes(rule.request, ticket.to->request);
  out.append(request.method).append(" ");
  if (rule.rewrite.empty()) {
    out.append(request.target);
  } else {
    std::string_view path = request.path(), query;
    if (path.size() < request.target.size()) query = request.target.substr(path.size() + 1);
    out.append(rewritten_target(rule, prefix, path, query));
  }
  out.append(" HTTP/1.1\r\n");
  append_line(out, "host", rule.authority.empty() ? request.authority : rule.authority);
  std::string_view forwarded, agent;
  bool has_proto = false;
  ticket.id.clear();
  for (const http::FieldView& f : request.fields) {
    if (is_platform_header(f.name) || http::is_hop_by_hop(f.name)) continue;
    switch (f.name.size()) {
      case 4:
        if (http::same_name(f.name, "host")) continue;
        break;
      case 6:
        if (http::same_name(f.name, "expect")) continue;
        break;
      case 10:
        if (http::same_name(f.name, "user-agent")) agent = f.value;
        break;
      case 12:
        if (!http::same_name(f.name, "x-request-id")) break;
        if (ticket.id.empty() && !f.value.empty() && f.value.size() <= 128) ticket.id = f.value;
        continue;
      case 14:
        if (http::same_name(f.name, "content-length")) continue;
        break;
      case 15:
        if (!http::same_name(f.name, "x-forwarded-for")) break;
        forwarded = f.value;
        continue;
      case 17:
        has_proto = has_proto || http::same_name(f.name, "x-forwarded-proto");
        break;
      default:
        break;
    }
    if (!changes.replaces(f.name)) append_line(out, f.name, f.value);
  }
  if (ticket.id.empty()) ticket.id = uuid_text(worker_.random(), worker_.random());
  if (!changes.replaces("x-forwarded-for")) {
    out.append("x-forwarded-for: ");
    if (!forwarded.empty()) out.append(forwarded).append(", ");
    out.append(peer_address(request.peer)).append("\r\n");
  }
  if (!has_proto && !changes.replaces("x-forwarded-proto"))
    append_line(out, "x-forwarded-proto", request.tls ? "https" : "http");
  if (!changes.replaces("x-request-id")) append_line(out, "x-request-id", ticket.id);
  changes.append(out);
  ticket.text.clear();
  size_t i = 0;
  for (std::string_view piece :
       {request.method, request.authority, request.target, agent, request.peer}) {
    ticket.text.append(piece.substr(0, 2048));
    ticket.ends[i++] = ticket.text.size();
  }
}

bool ShortWay::Ticket::on_head(int code, std::span<const http::FieldView> fields,
                               std::string& out) {
  if (asks_for_retry(*rule, code, 1)) {
    way.worker_.metrics().retries.add();
    again(1, false);
    return false;
  }
  status = code;
  if (rule->timeout.count() == 0) deadline = {};  // a revision's is for the head
  const Changes changes(rule->response, to->response);
  bool has_id = false;
  for (const http::FieldView& f : fields) {
    if (http::is_hop_by_hop(f.name)) continue;
    if (f.name.size() == 14 && http::same_name(f.name, "content-length")) continue;
    if (f.name.size() == 12 && http::same_name(f.name, "x-request-id")) has_id = true;
    if (!changes.replaces(f.name)) append_line(out, f.name, f.value);
  }
  if (!has_id) append_line(out, "x-request-id", id);
  changes.append(out);
  way.worker_.outcome(*backend, *endpoint, code);
  return true;
}

// The ordinary way takes over.
void ShortWay::Ticket::again(int tries, bool refused) {
  Worker& worker = way.worker_;
  const MonoTime now = worker.loop().now();
  if (refused) worker.put_aside(to->backend, *endpoint);
  backend->leave(now, endpoint.get());
  worker.resume({began, tries, refused, endpoint});
  way.give_back(*this);
}

bool ShortWay::Ticket::on_error(const http::UpstreamError& failure, int& code, std::string& fields,
                                std::string& body) {
  way.worker_.outcome(*backend, *endpoint, 0);
  const Again verdict = may_go_again(failure, repeatable);
  if (verdict != Again::kNo) {
    way.worker_.metrics().retries.add();
    again(verdict == Again::kTried ? 1 : 0, verdict == Again::kRefused);
    return true;
  }
  way.worker_.metrics().upstream_broken.add();
  code = 502;
  body = error_body(str(backend->name(), ": ", failure.error.message));
  fields = str("content-type: application/json\r\nx-request-id: ", id, "\r\n");
  finish(code, body.size());
  return false;
}

void ShortWay::Ticket::on_end(uint64_t bytes, bool aborted) {
  finish(aborted && status == 0 ? 499 : status, bytes);
}

void ShortWay::Ticket::finish(int code, uint64_t bytes_out) {
  Worker& worker = way.worker_;
  const MonoTime now = worker.loop().now();
  backend->leave(now, endpoint.get());
  count_answer(*backend, worker.metrics().registry, code, now - began);
  RequestRecord r;
  r.method = piece(0), r.host = piece(1), r.target = piece(2), r.user_agent = piece(3);
  r.peer = piece(4), r.request_id = id;
  r.backend = backend->name();
  r.endpoint = endpoint->address;
  r.status = code, r.tries = 1;
  r.bytes_in = bytes_in, r.bytes_out = bytes_out, r.took = now - began;
  worker.record(r, endpoint);
  way.give_back(*this);
}

bool ShortWay::Ticket::late(MonoTime now) {
  if (deadline == MonoTime{} || now < deadline) return false;
  http::RelayControl* of = control;
  std::string body = error_body(str(backend->name(), ": request timeout: no response within ",
                                    format_duration(deadline - began)));
  std::string fields = str("content-type: application/json\r\nx-request-id: ", id, "\r\n");
  finish(status == 0 ? 504 : status, status == 0 ? body.size() : 0);
  of->cut(504, fields, body);
  return true;
}

void ShortWay::tick(MonoTime now) {
  for (size_t i = active_.size(); i-- > 0;)
    if (i < active_.size()) active_[i]->late(now);
}

void ShortWay::give_up() {
  while (!active_.empty()) {
    Ticket& ticket = *active_.back();
    http::RelayControl* of = ticket.control;
    ticket.finish(ticket.status ? ticket.status : 503, 0);
    of->cut(503, "", error_body("the gateway is going away"));
  }
}

}  // namespace proa::gateway
