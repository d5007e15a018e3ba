#include "platform/apiserver/core/status.h"

#include "foundation/base/strings.h"

namespace proa::apiserver {
namespace {

struct Reason {
  Code code;
  int http;
  std::string_view reason;
};

constexpr Reason kReasons[] = {
    {Code::kInvalid, 400, "BadRequest"},
    {Code::kUnprocessable, 422, "Invalid"},
    {Code::kUnauthenticated, 401, "Unauthorized"},
    {Code::kForbidden, 403, "Forbidden"},
    {Code::kNotFound, 404, "NotFound"},
    {Code::kMethodNotAllowed, 405, "MethodNotAllowed"},
    {Code::kAlreadyExists, 409, "AlreadyExists"},
    {Code::kConflict, 409, "Conflict"},
    {Code::kGone, 410, "Expired"},
    {Code::kTooLarge, 413, "RequestEntityTooLarge"},
    {Code::kUnsupportedMedia, 415, "UnsupportedMediaType"},
    {Code::kExhausted, 429, "TooManyRequests"},
    {Code::kInternal, 500, "InternalError"},
    {Code::kUnimplemented, 501, ""},
    {Code::kUnavailable, 503, "ServiceUnavailable"},
    {Code::kDeadline, 504, "Timeout"},
    {Code::kCancelled, 499, ""},
    {Code::kDataLoss, 500, "InternalError"},
};

json::Value make_status(int code, std::string_view reason, std::string message) {
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", json::Object{}},
                       {"status", "Failure"},
                       {"message", std::move(message)},
                       {"reason", reason},
                       {"code", code}});
}

}  // namespace

Failure::Failure(Error e) {
  for (const Reason& r : kReasons) {
    if (r.code != e.code) continue;
    status = make_status(r.http, r.reason, std::move(e.message));
    return;
  }
  status = make_status(500, "InternalError", std::move(e.message));
}

Error Failure::to_error() const {
  Code code = Code::kInternal;
  for (const Reason& r : kReasons)
    if (r.http == this->code() && (code == Code::kInternal || r.reason == reason())) code = r.code;
  return Error{code, message()};
}

std::string resource_of(const api::KindDef& kind) {
  return kind.kind.group.empty() ? std::string(kind.kind.plural) : kind.crd_name();
}

Failure failure(int code, std::string_view reason, std::string message, const api::KindDef* kind,
                std::string_view name) {
  json::Value status = make_status(code, reason, std::move(message));
  if (kind) {
    json::Value details = json::object({{"kind", kind->kind.plural}});
    if (!name.empty()) details.set("name", name);
    if (!kind->kind.group.empty()) details.set("group", kind->kind.group);
    status.set("details", std::move(details));
  }
  return Failure(std::move(status));
}

Failure not_found(const api::KindDef& kind, std::string_view name) {
  return failure(404, "NotFound", str(resource_of(kind), " \"", name, "\" not found"), &kind, name);
}

Failure already_exists(const api::KindDef& kind, std::string_view name) {
  return failure(409, "AlreadyExists", str(resource_of(kind), " \"", name, "\" already exists"),
                 &kind, name);
}

Failure conflict(const api::KindDef& kind, std::string_view name, std::string_view why) {
  return failure(
      409, "Conflict",
      str("Operation cannot be fulfilled on ", resource_of(kind), " \"", name, "\": ", why), &kind,
      name);
}

Failure modified(const api::KindDef& kind, std::string_view name) {
  return conflict(kind, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

Failure forbidden(const api::KindDef& kind, std::string_view name, std::string_view why) {
  return failure(403, "Forbidden", str(resource_of(kind), " \"", name, "\" is forbidden: ", why),
                 &kind, name);
}

Failure bad_request(std::string message) { return failure(400, "BadRequest", std::move(message)); }

Failure expired(std::string message) { return failure(410, "Expired", std::move(message)); }

Failure invalid(const api::KindDef& kind, std::string_view name,
                const std::vector<api::FieldError>& errors) {
  return Failure(api::invalid_status(kind, name, errors));
}

Failure no_such_path() {
  Failure f = failure(404, "NotFound", "the server could not find the requested resource");
  f.status.set("details", json::Object{});
  return f;
}

}  // namespace proa::apiserver
