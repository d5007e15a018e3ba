#include "models/storage/source.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "foundation/base/strings.h"

namespace proa::storage {

Error no_model(const Uri& uri) {
  return error(Code::kNotFound, str("Failed to fetch model. No model found in ", uri.text, "."));
}

bool worth_retry(long status) { return status == 408 || status == 429 || status >= 500; }

void pause_before_retry(int attempt, const SourceOptions& options) {
  const int64_t ms =
      std::min<int64_t>(int64_t{options.retry_base_ms} << std::min(attempt, 10), 5000);
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

Result<HttpResponse> send_with_retries(Http& http, const HttpRequest& request,
                                       const SourceOptions& options) {
  for (int attempt = 0;; ++attempt) {
    auto answer = http.send(request);
    const bool again =
        answer.ok() ? worth_retry(answer->status) : answer.error().code == Code::kUnavailable;
    if (!again || attempt + 1 >= options.attempts) return answer;
    pause_before_retry(attempt, options);
  }
}

Result<Resolved> resolve(const Uri& uri, const SourceOptions& options) {
  TRY(auto mirror, mirrored(uri.text, options.mirrors));
  Resolved out;
  if (!mirror.empty()) {
    TRY(out, resolve_local(mirror, uri, options));
  } else if (uri.scheme == Scheme::kGcs) {
    TRY(out, resolve_gcs(uri, options));
  } else if (uri.scheme == Scheme::kWeb) {
    TRY(out, resolve_web(uri, options));
  } else {
    TRY(out, resolve_local(uri.path, uri, options));
  }
  std::erase_if(out.files, [&](const RemoteFile& f) { return !options.filter.takes(f.path); });
  if (out.files.empty()) return no_model(uri);
  return out;
}

}  // namespace proa::storage
