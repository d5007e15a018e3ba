// CloudEvents 1.0 (https://github.com/cloudevents/spec) over HTTP, as KServe's server takes and
// answers them: in binary form (ce-* headers, the body is the data) and in structured form
// (application/cloudevents+json, the data is a member).
//
// Used by the REST face for V1. Pure; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/http/inline.h"

namespace proa::protocols {

struct CloudEvent {
  bool structured = false;
  std::vector<std::pair<std::string, std::string>> attributes;  // without data and content type
  std::string data;                                             // structured: the data's text
};

// What CE_TYPE, CE_SOURCE and CE_MERGE say; empty: KServe's defaults.
struct CloudEventOptions {
  std::string type, source;
  bool merge = false;  // answers carry the request's attributes, but id and time
};
CloudEventOptions cloud_event_options();  // from the environment

// The event that a request is, if it is one. Errors: kInvalid for attributes that are missing.
Result<std::optional<CloudEvent>> cloud_event(std::span<const http::FieldView> fields,
                                              std::string_view content_type, std::string_view body);

// The answer to an event: header lines for the binary form, else the whole body in `body`.
struct CloudAnswer {
  std::string headers;  // "ce-id: …\r\n"…
  std::string body;     // structured only
};
CloudAnswer cloud_answer(const CloudEvent& request, const CloudEventOptions& options,
                         std::string_view model, std::string_view id, std::string_view time,
                         std::string_view data);

}  // namespace proa::protocols
