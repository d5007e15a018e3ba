#include "models/protocols/rest/cloud_events.h"

#include <algorithm>
#include <cstdlib>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::protocols {
namespace {

constexpr size_t kMostAttributes = 100;

const std::string* find(const CloudEvent& e, std::string_view name) {
  for (const auto& [key, value] : e.attributes)
    if (key == name) return &value;
  return nullptr;
}

Status check(const CloudEvent& e) {
  for (std::string_view name : {"specversion", "id", "source", "type"})
    if (const std::string* v = find(e, name); !v || v->empty())
      return error(Code::kInvalid,
                   str("Cloud Event Exceptions: the required attribute '", name, "' is missing"));
  const std::string& version = *find(e, "specversion");
  if (version != "1.0" && version != "0.3")
    return error(Code::kInvalid, str("Cloud Event Exceptions: specversion '", shorten(version, 20),
                                     "' is unknown; 1.0 is taken"));
  return {};
}

Result<std::optional<CloudEvent>> binary_event(std::span<const http::FieldView> fields) {
  CloudEvent e;
  for (const http::FieldView& f : fields) {
    if (f.name.size() < 4 || !iequals(f.name.substr(0, 3), "ce-")) continue;
    if (e.attributes.size() == kMostAttributes)
      return error(Code::kInvalid, "Cloud Event Exceptions: too many attributes");
    e.attributes.emplace_back(lower(f.name.substr(3)),
                              percent_decode(f.value).value_or(std::string(f.value)));
  }
  TRY_STATUS(check(e));
  return std::optional<CloudEvent>(std::move(e));
}

std::string text_of(const json::Value& v) { return v.is_string() ? v.str() : json::dump(v); }

Result<std::optional<CloudEvent>> structured_event(std::string_view body) {
  auto parsed = json::parse(body, {std::max<size_t>(body.size(), 1), 100});
  if (!parsed.ok())
    return error(Code::kInvalid, str("Unrecognized request format: ", parsed.error().message));
  CloudEvent e;
  e.structured = true;
  for (const auto& [name, value] : parsed->object()) {
    if (name == "data") {
      e.data = json::dump(value);
    } else if (name == "data_base64") {
      auto bytes = unbase64(value.str());
      if (!bytes) return error(Code::kInvalid, "Cloud Event Exceptions: data_base64 is no base64");
      e.data = std::move(*bytes);
    } else if (!value.is_null() && e.attributes.size() < kMostAttributes) {
      e.attributes.emplace_back(name, text_of(value));
    }
  }
  TRY_STATUS(check(e));
  if (e.data.empty()) return error(Code::kInvalid, "Cloud Event Exceptions: the event has no data");
  return std::optional<CloudEvent>(std::move(e));
}

// A header value holds no line ends, and what is not ASCII percent-encoded.
std::string header_value(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%' && c != '"')
      out += c;
    else if (c == ' ')
      out += c;
    else
      out += percent_encode(std::string_view(&c, 1));
  }
  return out;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

}  // namespace

CloudEventOptions cloud_event_options() {
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  return {variable("CE_TYPE"), variable("CE_SOURCE"), lower(variable("CE_MERGE")) == "true"};
}

Result<std::optional<CloudEvent>> cloud_event(std::span<const http::FieldView> fields,
                                              std::string_view content_type,
                                              std::string_view body) {
  if (content_type.size() >= 28 &&
      iequals(content_type.substr(0, 28), "application/cloudevents+json"))
    return structured_event(body);
  bool binary = std::any_of(fields.begin(), fields.end(), [](const http::FieldView& f) {
    return iequals(f.name, "ce-specversion") || iequals(f.name, "ce-id");
  });
  if (binary) return binary_event(fields);
  return std::optional<CloudEvent>();
}

CloudAnswer cloud_answer(const CloudEvent& request, const CloudEventOptions& options,
                         std::string_view model, std::string_view id, std::string_view time,
                         std::string_view data) {
  std::vector<std::pair<std::string, std::string>> all = {
      {"specversion", "1.0"},
      {"id", std::string(id)},
      {"source", options.source.empty() ? str("io.kserve.inference.", model) : options.source},
      {"type", options.type.empty() ? "io.kserve.inference.response" : options.type},
      {"time", std::string(time)}};
  if (options.merge)
    for (const auto& item : request.attributes) {
      bool own =
          std::any_of(all.begin(), all.end(), [&](const auto& a) { return a.first == item.first; });
      if (!own && item.first != "datacontenttype" && is_name(item.first)) all.push_back(item);
    }
  CloudAnswer answer;
  if (!request.structured) {
    for (const auto& [name, value] : all)
      answer.headers += str("ce-", name, ": ", header_value(value), "\r\n");
    return answer;
  }
  answer.body.assign(1, '{');
  for (const auto& [name, value] : all) {
    json::dump_string(name, answer.body);
    answer.body += ": ";
    json::dump_string(value, answer.body);
    answer.body += ", ";
  }
  answer.body += "\"data\": ";
  answer.body += data;
  answer.body += '}';
  return answer;
}

}  // namespace proa::protocols
