#include "platform/apiserver/rest/reply.h"

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::apiserver {
namespace {

client::Object tree(const Item& item) { return client::Object(item, &item->value); }

json::Value list_meta(const ListPage& page) {
  json::Value meta = json::object({{"resourceVersion", str(page.revision)}});
  if (!page.continue_token.empty()) meta.set("continue", page.continue_token);
  if (page.remaining && *page.remaining > 0) meta.set("remainingItemCount", *page.remaining);
  return meta;
}

http::Response text_response(int status, std::string body, const Answering& how) {
  http::Response response = json_response(status, std::move(body));
  if (!how.yaml && !how.pretty) return response;
  auto value = json::parse(response.body, {.bytes = size_t{1} << 30});
  if (!value.ok()) return response;  // our own text: cannot be
  response.body = how.yaml ? json::dump_yaml(*value) : json::pretty(*value) + "\n";
  if (how.yaml) response.headers.set("content-type", "application/yaml");
  return response;
}

}  // namespace

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers = {{"content-type", "application/json"}, {"cache-control", "no-cache, private"}};
  response.body = std::move(body);
  return response;
}

http::Response value_response(int status, const json::Value& value, const Answering& how) {
  return text_response(status, json::dump(value) + "\n", how);
}

http::Response failure_response(const Failure& failure) {
  http::Response response = json_response(failure.code(), json::dump(failure.status) + "\n");
  if (int64_t after = failure.status["details"]["retryAfterSeconds"].integer(); after > 0)
    response.headers.set("retry-after", str(after));
  return response;
}

void add_warnings(http::Response& response, const std::vector<std::string>& warnings) {
  for (const std::string& text : warnings) {
    std::string quoted;
    for (char c : shorten(text, 1000)) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c == '\n' || c == '\r' ? ' ' : c;
    }
    response.headers.add("warning", str("299 - \"", quoted, "\""));
  }
}

std::string object_text(const api::KindDef& kind, const Item& item, const Answering& how,
                        WallTime now, bool with_definitions) {
  switch (how.form) {
    case Form::kTable: {
      json::Value meta =
          json::object({{"resourceVersion", item->value["metadata"]["resourceVersion"]}});
      return json::dump(api::table(kind, {tree(item)}, meta, how.include, now, with_definitions));
    }
    case Form::kMetadata:
      return json::dump(api::partial_metadata(item->value));
    case Form::kObject:
      break;
  }
  return item->text;
}

http::Response object_response(int status, const api::KindDef& kind, const Item& item,
                               const Answering& how, WallTime now) {
  return text_response(status, object_text(kind, item, how, now) + "\n", how);
}

http::Response list_response(const api::KindDef& kind, const ListPage& page, const Answering& how,
                             WallTime now) {
  json::Value meta = list_meta(page);
  if (how.form == Form::kTable) {
    std::vector<client::Object> objects;
    objects.reserve(page.items.size());
    for (const Item& item : page.items) objects.push_back(tree(item));
    return text_response(200, json::dump(api::table(kind, objects, meta, how.include, now)) + "\n",
                         how);
  }
  const bool metadata = how.form == Form::kMetadata;
  std::string body = "{\"kind\":";
  json::dump_string(metadata ? "PartialObjectMetadataList" : kind.list_kind, body);
  body += ",\"apiVersion\":";
  json::dump_string(metadata ? "meta.k8s.io/v1" : kind.kind.api_version(), body);
  body += ",\"metadata\":" + json::dump(meta) + ",\"items\":[";
  size_t size = body.size() + 4;
  for (const Item& item : page.items) size += item->text.size() + 1;
  if (!metadata) body.reserve(size);
  bool first = true;
  for (const Item& item : page.items) {
    if (!std::exchange(first, false)) body += ',';
    if (metadata)
      json::dump(api::partial_metadata(item->value), body);
    else
      body += item->text;
  }
  body += "]}\n";
  return text_response(200, std::move(body), how);
}

json::Value success_status(const api::KindDef& kind, const json::Value& object) {
  json::Value details = json::object({{"name", object["metadata"]["name"]},
                                      {"kind", kind.kind.plural},
                                      {"uid", object["metadata"]["uid"]}});
  if (!kind.kind.group.empty()) details.set("group", kind.kind.group);
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", json::Object{}},
                       {"status", "Success"},
                       {"details", std::move(details)}});
}

}  // namespace proa::apiserver
