#include "models/storage/transfer/http.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

constexpr size_t kMostBody = 16u << 20;
constexpr size_t kMostHeaders = 256;

struct Transfer {
  HttpResponse response;
  const HttpSink* sink = nullptr;
  bool sink_done = false;
  bool too_large = false;
  CURL* easy = nullptr;
  const AddressRules* rules = nullptr;  // nullptr: a proxy connects
  bool configured = false;
  std::string refused;  // the address that is not allowed
};

// The last word on where a connection goes: the address itself.
curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* to) {
  auto& t = *static_cast<Transfer*>(self);
  const auto address = address_of(&to->addr);
  if (t.rules && (!address || !t.rules->allows(*address, t.configured))) {
    t.refused = address ? to_string(*address) : "an address of another kind";
    return CURL_SOCKET_BAD;
  }
  return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

size_t on_header(char* data, size_t size, size_t n, void* self) {
  auto& t = *static_cast<Transfer*>(self);
  const std::string_view line(data, size * n);
  if (line.starts_with("HTTP/")) {
    t.response.headers.clear();
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &t.response.status);
  }
  const auto colon = line.find(':');
  if (colon != line.npos && t.response.headers.size() < kMostHeaders)
    t.response.headers[lower(trim(line.substr(0, colon)))] = trim(line.substr(colon + 1));
  return size * n;
}

size_t on_body(char* data, size_t size, size_t n, void* self) {
  auto& t = *static_cast<Transfer*>(self);
  const std::string_view bytes(data, size * n);
  curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &t.response.status);
  const bool good = t.response.status >= 200 && t.response.status < 300;
  if (good && t.sink && *t.sink) {
    if ((*t.sink)(bytes, t.response)) return bytes.size();
    t.sink_done = true;
    return 0;
  }
  if (t.response.body.size() + bytes.size() > kMostBody) {
    t.too_large = true;
    return 0;
  }
  t.response.body += bytes;
  return bytes.size();
}

struct Lines {
  curl_slist* list = nullptr;
  ~Lines() { curl_slist_free_all(list); }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

std::string why(CURLcode rc, const char* detail) {
  if (rc == CURLE_OPERATION_TIMEDOUT) return detail && *detail ? detail : "timed out";
  return detail && *detail ? detail : curl_easy_strerror(rc);
}

}  // namespace

const std::string& HttpResponse::header(const std::string& name) const {
  static const std::string none;
  const auto it = headers.find(name);
  return it == headers.end() ? none : it->second;
}

namespace {

struct UrlParts {
  std::string_view scheme, authority;  // "https://", "user@host:port"
};

UrlParts parts_of(std::string_view url) {
  const auto at = url.find("://");
  if (at == url.npos) return {{}, url.substr(0, url.find_first_of("/?#\\"))};
  const auto rest = url.substr(at + 3);
  return {url.substr(0, at + 3), rest.substr(0, rest.find_first_of("/?#\\"))};
}

std::string_view without_user(std::string_view authority) {
  const auto at = authority.rfind('@');
  return at == authority.npos ? authority : authority.substr(at + 1);
}

}  // namespace

std::string origin_of(std::string_view url) {
  const auto p = parts_of(url);
  return str(p.scheme, without_user(p.authority));
}

std::string host_of(std::string_view url) {
  auto host = without_user(parts_of(url).authority);
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find(':')));
}

std::string authority_of(std::string_view url) {
  const auto p = parts_of(url);
  auto host = without_user(p.authority);
  if (p.scheme == "https://" && host.ends_with(":443")) host.remove_suffix(4);
  if (p.scheme == "http://" && host.ends_with(":80")) host.remove_suffix(3);
  return std::string(host);
}

std::string shown_url(std::string_view url) {
  const auto p = parts_of(url);
  const auto rest = url.substr(p.scheme.size() + p.authority.size());
  const auto end = rest.find_first_of("?#");
  return str(p.scheme, without_user(p.authority), rest.substr(0, end),
             end != rest.npos && rest[end] == '?' ? "?…" : "");
}

struct Http::Handle {
  CURL* easy = nullptr;
  ~Handle() {
    if (easy) curl_easy_cleanup(easy);
  }
};

Http::Http(HttpOptions options)
    : options_(std::move(options)), handle_(std::make_unique<Handle>()) {}
Http::~Http() = default;

namespace {

void set_times(CURL* c, const HttpOptions& o) {
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(o.connect_ms));
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, static_cast<long>(o.stall_s));
}

void set_security(CURL* c, const HttpOptions& o) {
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, o.verify ? 1L : 0L);
  curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, o.verify ? 2L : 0L);
  if (!o.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, o.ca_file.c_str());
  if (!o.cert.empty()) curl_easy_setopt(c, CURLOPT_SSLCERT, o.cert.c_str());
  if (!o.key.empty()) curl_easy_setopt(c, CURLOPT_SSLKEY, o.key.c_str());
}

void set_callbacks(CURL* c, Transfer& t) {
  curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, &t);
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
}

Error not_allowed(const std::string& url, const std::string& address) {
  const auto a = parse_address(address);
  if (a && reach_of(*a) == Reach::kNever)
    return error(Code::kForbidden, str("server ", origin_of(url), " is at ", address,
                                       ", a private address that no download may reach"));
  return error(Code::kForbidden,
               str("server ", origin_of(url), " is at ", address,
                   ", a private address, which a storage URI or a redirect may not reach; if it is "
                   "meant, name the server in the Secret (its endpoint), or start proa with "
                   "PROA_FETCH_ALLOW=",
                   address));
}

Error failure(const HttpRequest& request, CURLcode rc, const char* detail) {
  if (rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL)
    return error(Code::kInvalid, str("URL ", shown_url(request.url), ": ", why(rc, detail)));
  if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE)
    return error(Code::kForbidden, str("server ", origin_of(request.url),
                                       " has no certificate that is trusted: ", why(rc, detail),
                                       "; name its CA in a CA bundle"));
  return error(Code::kUnavailable,
               str("server ", origin_of(request.url), " not answering: ", why(rc, detail)));
}

}  // namespace

bool Http::configured(const std::string& url) const {
  const auto& c = options_.configured;
  return options_.configured_all || std::find(c.begin(), c.end(), origin_of(url)) != c.end();
}

Result<HttpResponse> Http::once(const HttpRequest& request, const HttpSink& sink,
                                std::string& redirect) {
  if (!handle_->easy) handle_->easy = curl_easy_init();
  CURL* c = handle_->easy;
  if (!c) return error(Code::kInternal, "libcurl does not start");
  curl_easy_reset(c);
  Transfer t;
  t.sink = &sink;
  t.easy = c;
  t.configured = configured(request.url);
  if (const auto literal = parse_address(host_of(request.url));
      literal && !options_.addresses.allows(*literal, t.configured))
    return not_allowed(request.url, to_string(*literal));
  if (!options_.proxied) t.rules = &options_.addresses;
  char detail[CURL_ERROR_SIZE] = "";
  Lines lines;
  for (const auto& h : request.headers) lines.add(h);
  if (request.method == "POST") lines.add("Expect:");
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "proa-fetch/1");
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines.list);
  set_times(c, options_);
  set_security(c, options_);
  set_callbacks(c, t);
  curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 512L * 1024);
  if (request.method == "HEAD") curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
  if (request.method == "POST") {
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (!request.range.empty()) curl_easy_setopt(c, CURLOPT_RANGE, request.range.c_str());
  const CURLcode rc = curl_easy_perform(c);
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &t.response.status);
  if (t.too_large)
    return error(Code::kTooLarge,
                 str("server ", origin_of(request.url), " sent too long an answer"));
  if (!t.refused.empty() && rc != CURLE_OK) return not_allowed(request.url, t.refused);
  if (rc != CURLE_OK && !t.sink_done) return failure(request, rc, detail);
  char* to = nullptr;
  if (t.response.status / 100 == 3 &&
      curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &to) == CURLE_OK && to)
    redirect = to;
  return std::move(t.response);
}

Result<HttpResponse> Http::send(const HttpRequest& request, const HttpSink& sink) {
  HttpRequest r = request;
  for (int hops = 0; hops <= 10; ++hops) {
    std::string redirect;
    TRY(auto response, once(r, sink, redirect));
    if (redirect.empty() || response.status == 304) return response;
    if (origin_of(redirect) != origin_of(r.url)) r.headers.clear();
    if (response.status != 307 && response.status != 308 && r.method == "POST") r.method = "GET";
    if (r.url.starts_with("https:") && redirect.starts_with("http:"))
      return error(Code::kForbidden, str(shown_url(r.url), " redirects from https to http"));
    r.url = redirect;
  }
  return error(Code::kInvalid, str(shown_url(request.url), " redirects more than 10 times"));
}

}  // namespace proa::storage
