// What one HTTP/2 stream still has to send: body bytes, the end, trailers. Shared by server and
// client.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "foundation/http/h2_fields.h"

namespace proa::http {

struct H2Outbox {
  std::string data;
  size_t sent = 0;
  bool end = false;
  bool deferred = false;
  std::optional<Headers> trailers;

  size_t backlog() const { return data.size() - sent; }

  // An nghttp2 data source: fills `to`.
  ssize_t take(nghttp2_session* session, int32_t stream, uint8_t* to, size_t size,
               uint32_t* flags) {
    size_t n = std::min(size, backlog());
    if (n == 0 && !end) {
      deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    std::memcpy(to, data.data() + sent, n);
    sent += n;
    if (sent == data.size()) {
      data.clear();
      sent = 0;
    } else if (sent > (64 << 10) && sent > data.size() / 2) {
      data.erase(0, sent);
      sent = 0;
    }
    if (end && backlog() == 0) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (trailers) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        H2Fields fields;
        fields.add_end_to_end(*trailers);
        nghttp2_submit_trailer(session, stream, fields.data(), fields.size());
      }
    }
    return static_cast<ssize_t>(n);
  }
};

}  // namespace proa::http
