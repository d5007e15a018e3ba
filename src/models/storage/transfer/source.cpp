#include "models/storage/transfer/source.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::storage {

std::string value_in(const Environment& env, const std::string& name) {
  const auto it = env.find(name);
  return it == env.end() ? std::string() : it->second;
}

std::string first_in(const Environment& env, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (auto value = value_in(env, name); !value.empty()) return value;
  return {};
}

bool truthy(std::string_view text) {
  const auto l = lower(trim(text));
  return l == "1" || l == "true" || l == "yes" || l == "y" || l == "on" || l == "t";
}

Error no_model(const Uri& uri) {
  return error(Code::kNotFound, str("Failed to fetch model. No model found in ", uri.shown, "."));
}

bool worth_retry(long status) { return status == 408 || status == 429 || status >= 500; }

void pause_before_retry(int attempt, const SourceOptions& options, const HttpResponse* answer) {
  constexpr int64_t kMostAsked = 30;
  int64_t ms = std::min<int64_t>(int64_t{options.retry_base_ms} << std::min(attempt, 10), 5000);
  if (const auto asked = answer ? parse_int(answer->header("retry-after")) : std::nullopt)
    ms = std::max(ms, std::clamp<int64_t>(*asked, 0, kMostAsked) * 1000);
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

Result<HttpResponse> send_with_retries(Http& http, const HttpRequest& request,
                                       const SourceOptions& options) {
  for (int attempt = 0;; ++attempt) {
    auto answer = http.send(request);
    const bool again =
        answer.ok() ? worth_retry(answer->status) : answer.error().code == Code::kUnavailable;
    if (!again || attempt + 1 >= options.attempts) return answer;
    pause_before_retry(attempt, options, answer.ok() ? &*answer : nullptr);
  }
}

Result<HttpResponse> send_signed(Http& http, const Sign& sign, HttpRequest request,
                                 const SourceOptions& options) {
  for (bool renew : {false, true}) {
    HttpRequest r = request;
    if (sign) TRY_STATUS(sign(http, r, renew));
    TRY(auto answer, send_with_retries(http, r, options));
    if (answer.status != 401 || renew || !sign) return answer;
  }
  return error(Code::kInternal, "not reached");
}

std::string version_of_files(const std::vector<RemoteFile>& files) {
  std::vector<std::string> versions;
  for (const auto& f : files) {
    if (f.version.empty()) return {};
    versions.push_back(str(f.path, "@", f.version));
  }
  std::sort(versions.begin(), versions.end());
  return join(versions, "\n");
}

int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string boot_id() {
  return std::string(trim(read_file("/proc/sys/kernel/random/boot_id", 100).value_or("")));
}

void learn(Checks& checks, const HttpResponse& head) {
  const auto take = [](std::string& to, const std::string& value) {
    if (to.empty() && value.find('-') == value.npos) to = value;
  };
  take(checks.crc64, head.header("x-oss-hash-crc64ecma"));
  take(checks.md5, head.header("x-ms-blob-content-md5"));
  // With these, an ETag is no MD5.
  if (head.header("x-amz-server-side-encryption").starts_with("aws:") ||
      !head.header("x-amz-server-side-encryption-customer-algorithm").empty())
    checks.md5.clear();
  if (head.status != 200) return;
  take(checks.crc32c, head.header("x-amz-checksum-crc32c"));
  if (const auto sha = unbase64(head.header("x-amz-checksum-sha256")); sha && sha->size() == 32)
    take(checks.sha256, hex(*sha));
  if (head.header("content-encoding").empty()) take(checks.md5, head.header("content-md5"));
}

}  // namespace proa::storage
