#include "foundation/http/h1_relay.h"

#include <utility>

#include "foundation/http/h1_connection.h"

namespace proa::http {

bool H1Relay::begin(const RequestView& request, RelayPolicy& policy, RelayOrder& order) {
  bytes_ = 0;
  answering_ = paused_ = false;
  order.head.clear();
  ticket_ = policy.begin(request, order, *this);
  if (!ticket_) return false;
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD"))
    append_length(order.head, request.body.size());
  order.head += "\r\n";
  up_ = order.pool->relay(order.to, order.head, request.body, request.method == "HEAD", *this);
  if (up_) return true;
  // It could not even begin: no connection is to be had.
  int status = 503;
  std::string fields, body;
  UpstreamError failure{error(Code::kExhausted, "no connection to be had"), false, true, false};
  if (over()->on_error(failure, status, fields, body)) return false;
  connection_.relay_refuse(status, fields, body);
  return true;
}

RelayTicket* H1Relay::over() { return std::exchange(ticket_, nullptr); }

void H1Relay::let_go() {
  auto up = std::exchange(up_, nullptr);
  if (up) up->reset();
}

void H1Relay::abort() {
  if (!ticket_) return;
  let_go();
  over()->on_end(bytes_, true);
}

void H1Relay::writable() {
  if (up_ && std::exchange(paused_, false)) up_->resume_reading();
}

void H1Relay::cut(int status, std::string_view fields, std::string_view body) {
  if (!ticket_) return;
  over();
  let_go();
  if (answering_)
    connection_.relay_break();
  else
    connection_.relay_refuse(status, fields, body);
}

void H1Relay::on_head(const H1Head& head, bool ended, bool data_follows) {
  if (!ticket_) return;
  std::string& out = connection_.relay_out();
  size_t mark = out.size();
  append_status_line(out, head.status);
  if (!ticket_->on_head(head.status, head.fields, out)) {
    out.resize(mark);
    over();
    let_go();
    return connection_.relay_again();
  }
  answering_ = true;
  connection_.relay_head(head, ended);
  if (!ended && !data_follows) connection_.relay_flush();
}

void H1Relay::on_data(std::string_view data) {
  if (!ticket_) return;
  bytes_ += data.size();
  if (!connection_.relay_data(data) && up_) {
    paused_ = true;
    up_->pause_reading();
  }
}

void H1Relay::on_end(const Headers& trailers) {
  if (!ticket_) return;
  up_ = nullptr;
  over()->on_end(bytes_, false);
  connection_.relay_end(trailers);
}

void H1Relay::on_error(const UpstreamError& failure) {
  if (!ticket_) return;
  up_ = nullptr;
  if (answering_) {
    over()->on_end(bytes_, true);
    return connection_.relay_break();
  }
  int status = 502;
  std::string fields, body;
  if (over()->on_error(failure, status, fields, body)) return connection_.relay_again();
  connection_.relay_refuse(status, fields, body);
}

}  // namespace proa::http
