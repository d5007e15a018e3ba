// One HTTP client (libcurl) for one thread: GET, HEAD and POST, ranges, redirects, bodies to a
// sink.
//
// A request either streams a 2xx body to the sink or collects a small body. Errors: kUnavailable
// for a server that does not answer or stalls (worth a retry), kForbidden for an address that the
// rules do not allow; HTTP statuses are no errors here. The caller's header lines never go to
// another host. What errors show of a URL has neither user nor query: both may hold secrets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/storage/transfer/address.h"

namespace proa::storage {

struct HttpOptions {
  int connect_ms = 5000;
  int stall_s = 30;                     // no byte for so long
  bool verify = true;                   // the server's certificate
  std::string ca_file;                  // "" means the system's
  std::string cert, key;                // files, for servers that ask for one
  AddressRules addresses;               // see address.h
  std::vector<std::string> configured;  // origins that the environment names
  bool configured_all = false;          // and those that they redirect to
  bool proxied = false;                 // a proxy makes the connections
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
  explicit Http(HttpOptions options);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  Result<HttpResponse> send(const HttpRequest& request, const HttpSink& sink = nullptr);
  const HttpOptions& options() const { return options_; }

 private:
  struct Handle;
  Result<HttpResponse> once(const HttpRequest& request, const HttpSink& sink,
                            std::string& redirect);
  bool configured(const std::string& url) const;
  HttpOptions options_;
  std::unique_ptr<Handle> handle_;
};

std::string origin_of(std::string_view url);     // "https://host:port", without user
std::string host_of(std::string_view url);       // "host", without port and brackets
std::string authority_of(std::string_view url);  // "host:port" as the Host header has it
std::string shown_url(std::string_view url);     // for people: no user, no query

}  // namespace proa::storage
