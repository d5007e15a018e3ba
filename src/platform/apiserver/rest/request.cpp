#include "platform/apiserver/rest/request.h"

#include "api/schema/protobuf.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::apiserver {
namespace {

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> out;
  for (std::string_view part : split(path, '/'))
    if (!part.empty()) out.push_back(percent_decode(part).value_or(std::string(part)));
  return out;
}

struct Media {
  std::string type;
  std::map<std::string, std::string> parameters;
};

Media parse_media(std::string_view text) {
  Media media;
  auto parts = split(text, ';');
  media.type = lower(trim(parts[0]));
  for (size_t i = 1; i < parts.size(); ++i) {
    std::string_view part = trim(parts[i]);
    size_t equals = part.find('=');
    if (equals != std::string_view::npos)
      media.parameters[lower(part.substr(0, equals))] = std::string(part.substr(equals + 1));
  }
  return media;
}

bool is_yaml(std::string_view type) {
  return type == "application/yaml" || type == "application/x-yaml" || type == "text/yaml" ||
         type == "application/apply-patch+yaml";
}

}  // namespace

std::optional<Target> parse_target(std::string_view path) {
  std::vector<std::string> parts = segments(path);
  Target target;
  size_t at = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    target.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    target.group = parts[1];
    target.version = parts[2];
    at = 3;
  } else {
    return std::nullopt;
  }
  // "namespaces/x" alone, and its own subresources, are the Namespace; more is something inside it.
  size_t left = parts.size() - at;
  bool in_namespace = parts[at] == "namespaces" && left >= 3 &&
                      !(target.group.empty() && left == 3 &&
                        (parts[at + 2] == "status" || parts[at + 2] == "finalize"));
  if (in_namespace) {
    target.ns = parts[at + 1];
    at += 2;
  }
  target.plural = parts[at++];
  if (at < parts.size()) target.name = parts[at++];
  if (at < parts.size()) target.subresource = parts[at++];
  for (; at < parts.size(); ++at) target.subresource += "/" + parts[at];
  return target;
}

Query::Query(std::string_view text) {
  for (std::string_view pair : split(text, '&')) {
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    auto decode = [](std::string_view raw) {
      std::string spaced = replace_all(raw, "+", " ");
      return percent_decode(spaced).value_or(spaced);
    };
    std::string name = decode(pair.substr(0, equals));
    values_.emplace(std::move(name),
                    equals == std::string_view::npos ? "" : decode(pair.substr(equals + 1)));
  }
}

const std::string& Query::get(std::string_view name) const {
  static const std::string none;
  auto it = values_.find(name);
  return it == values_.end() ? none : it->second;
}

bool Query::flag(std::string_view name) const {
  auto it = values_.find(name);
  return it != values_.end() && it->second != "false" && it->second != "0";
}

Result<std::optional<int64_t>> Query::number(std::string_view name) const {
  const std::string& text = get(name);
  if (text.empty()) return std::optional<int64_t>();
  auto value = parse_int(text);
  if (!value)
    return error(Code::kInvalid,
                 str(name, ": invalid value \"", shorten(text, 50), "\": not a number"));
  return value;
}

Result<Answering> parse_answering(std::string_view accept, const Query& query) {
  Answering answering;
  answering.pretty = query.flag("pretty");
  TRY(answering.include, api::parse_include_object(query.get("includeObject")));
  for (std::string_view one : split(accept, ',')) {  // the first we can do; protobuf never
    Media media = parse_media(one);
    const std::string& as = media.parameters["as"];
    if (as == "APIGroupDiscoveryList" && media.type == "application/json") {
      if (media.parameters["v"] != "v2") continue;
      answering.aggregated = true;
      return answering;
    }
    if (media.type == "application/json" || media.type == "*/*" || media.type == "application/*" ||
        is_yaml(media.type)) {
      answering.yaml = is_yaml(media.type);
      if (as == "Table" && media.parameters["v"] != "v1") continue;
      if (as == "Table") answering.form = Form::kTable;
      if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList")
        answering.form = Form::kMetadata;
      return answering;
    }
  }
  return answering;
}

std::string media_type(std::string_view content_type) {
  return lower(trim(split(content_type, ';')[0]));
}

Result<json::Value> decode_body(const api::Catalog& catalog, const http::Request& request) {
  std::string type = media_type(request.headers.get("content-type"));
  if (api::is_protobuf(request.body)) return api::decode_protobuf(catalog, request.body);
  if (is_yaml(type)) return json::parse_yaml(request.body).context("error decoding the body");
  bool json = type.empty() || type == "application/json" || type == "*/*" ||
              (type.size() > 5 && type.ends_with("+json"));
  if (!json)
    return error(Code::kUnsupportedMedia,
                 str("the body of the request was in an unknown format (", shorten(type, 100),
                     ") - accepted media types include: application/json, application/yaml, "
                     "application/vnd.kubernetes.protobuf"));
  return json::parse(request.body).context("error decoding the body");
}

}  // namespace proa::apiserver
