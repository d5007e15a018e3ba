// What an HTTP request asks of the API: its path and query taken apart, the form of the answer, its
// body.
//
//   /api/v1/namespaces/NS/pods/NAME/log       /apis/GROUP/VERSION/PLURAL/NAME/SUBRESOURCE
//
// Used by Rest. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/schema/columns.h"
#include "foundation/http/http.h"
#include "platform/apiserver/core/core.h"

namespace proa::apiserver {

struct Target {
  std::string group, version, plural, ns, name, subresource;
};
// Of a path to objects; nullopt: it is something else (discovery, /version, …).
std::optional<Target> parse_target(std::string_view path);

class Query {
 public:
  explicit Query(std::string_view text);
  const std::string& get(std::string_view name) const;  // "" if absent
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  bool flag(std::string_view name) const;  // "true", "1", or present and empty
  Result<std::optional<int64_t>> number(std::string_view name) const;  // kInvalid if it is none

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

enum class Form { kObject, kTable, kMetadata };
struct Answering {
  Form form = Form::kObject;
  bool yaml = false, pretty = false;
  bool aggregated = false;  // discovery in one document
  api::IncludeObject include = api::IncludeObject::kMetadata;
};
Result<Answering> parse_answering(std::string_view accept, const Query& query);

// JSON, YAML or protobuf, by Content-Type (and by the bytes where there is none).
// kUnsupportedMedia, kInvalid with the place.
Result<json::Value> decode_body(const api::Catalog& catalog, const http::Request& request);
std::string media_type(
    std::string_view content_type);  // "application/json; charset=x" → lower case, bare

}  // namespace proa::apiserver
