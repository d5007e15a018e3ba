#include "models/storage/http.h"

#include <curl/curl.h>

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
};

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

std::string origin_of(std::string_view url) {
  const auto at = url.find("://");
  if (at == url.npos) return std::string(url);
  return std::string(url.substr(0, url.find_first_of("/?#", at + 3)));
}

struct Http::Handle {
  CURL* easy = nullptr;
  ~Handle() {
    if (easy) curl_easy_cleanup(easy);
  }
};

Http::Http(HttpTimes times) : times_(times), handle_(std::make_unique<Handle>()) {}
Http::~Http() = default;

Result<HttpResponse> Http::once(const HttpRequest& request, const HttpSink& sink,
                                std::string& redirect) {
  if (!handle_->easy) handle_->easy = curl_easy_init();
  CURL* c = handle_->easy;
  if (!c) return error(Code::kInternal, "libcurl does not start");
  curl_easy_reset(c);
  Transfer t;
  t.sink = &sink;
  t.easy = c;
  char detail[CURL_ERROR_SIZE] = "";
  Lines lines;
  for (const auto& h : request.headers) lines.add(h);
  if (request.method == "POST") lines.add("Expect:");
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "proa-fetch/1");
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines.list);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(times_.connect_ms));
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, static_cast<long>(times_.stall_s));
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L * 1024);
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
  if (rc != CURLE_OK && !t.sink_done) {
    if (rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL)
      return error(Code::kInvalid, str("URL ", request.url, ": ", why(rc, detail)));
    return error(Code::kUnavailable,
                 str("server ", origin_of(request.url), " not answering: ", why(rc, detail)));
  }
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
    if (r.url.starts_with("https:") && redirect.starts_with("http:"))
      return error(Code::kForbidden, str(r.url, " redirects from https to http"));
    r.url = redirect;
  }
  return error(Code::kInvalid, str(request.url, " redirects more than 10 times"));
}

}  // namespace proa::storage
