#include "foundation/http/h1_write.h"

#include <charconv>

#include "foundation/http/fields.h"
#include "foundation/http/inline.h"

namespace proa::http {

void append_status_line(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  out += "HTTP/1.1 ";
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, status).ptr);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value)) return;
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

void append_chunk_size(std::string& out, size_t size) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, size, 16).ptr);
  out += "\r\n";
}

void append_length(std::string& out, uint64_t length) {
  char digits[24];
  out += "content-length: ";
  out.append(digits, std::to_chars(digits, digits + sizeof digits, length).ptr);
  out += "\r\n";
}

Given append_end_to_end(std::string& out, const Headers& headers) {
  Given given;
  for (const auto& [name, value] : headers) {
    if (same_name(name, "content-length")) {
      given.length = value;
      continue;
    }
    if (is_hop_by_hop(name)) continue;
    if (same_name(name, "date")) given.date = value;
    append_field(out, name, value);
  }
  return given;
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void ResponseBuffer::respond(int status, std::string_view content_type, std::string_view body,
                             std::string_view extra) {
  CHECK(!answered_);
  answered_ = true;
  if (reply_) return respond_h2(status, content_type, body, extra);
  append_status_line(out_, status);
  if (!content_type.empty()) {
    out_ += "content-type: ";
    out_ += content_type;
    out_ += "\r\n";
  }
  if (may_have_body(status)) append_length(out_, body.size());
  out_ += date_;
  if (!keep_alive_)
    out_ += "connection: close\r\n";
  else if (version_ == 10)
    out_ += "connection: keep-alive\r\n";
  out_ += extra;
  out_ += "\r\n";
  if (!head_only_ && may_have_body(status)) out_ += body;
}

}  // namespace proa::http
