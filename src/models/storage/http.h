// One HTTP client (libcurl) for one thread: GET and POST, ranges, redirects, bodies to a sink.
//
// A request either streams a 2xx body to the sink or collects a small body. Errors: kUnavailable
// for a server that does not answer or stalls (worth a retry); HTTP statuses are no errors here.
// Header lines go to other hosts only if they are none of the caller's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct HttpTimes {
  int connect_ms = 5000;
  int stall_s = 30;  // no byte for so long
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string method = "GET";        // GET, HEAD, POST
  std::string body;
  std::string range;  // "0-99"
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // if there was no sink, or the status is not 2xx
  const std::string& header(const std::string& name) const;
};

// false ends the transfer, which then counts as done.
using HttpSink = std::function<bool(std::string_view bytes, const HttpResponse& head)>;

class Http {
 public:
  explicit Http(HttpTimes times);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  Result<HttpResponse> send(const HttpRequest& request, const HttpSink& sink = nullptr);

 private:
  struct Handle;
  Result<HttpResponse> once(const HttpRequest& request, const HttpSink& sink,
                            std::string& redirect);
  HttpTimes times_;
  std::unique_ptr<Handle> handle_;
};

std::string origin_of(std::string_view url);  // "https://host:port"

}  // namespace proa::storage
