// Header fields between Headers and nghttp2: names in lower case, pseudo-headers first.
// Private to the HTTP/2 connections here.
#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/http/http.h"

namespace proa::http {

// Holds what the nghttp2_nv point to, until it has been submitted.
class H2Fields {
 public:
  void add(std::string_view name, std::string_view value);
  void add_end_to_end(const Headers& headers);  // less hop-by-hop and Host; te: trailers is kept
  bool has(std::string_view name) const;
  nghttp2_nv* data() { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  std::deque<std::string> texts_;
  std::vector<nghttp2_nv> fields_;
};

// Counts events that a peer should send rarely; false once there are too many in a short time.
class FloodGuard {
 public:
  explicit FloodGuard(double most, double per_second) : most_(most), rate_(per_second) {}
  bool count(double now_seconds);

 private:
  double most_, rate_, level_ = 0, last_ = 0;
};

}  // namespace proa::http
