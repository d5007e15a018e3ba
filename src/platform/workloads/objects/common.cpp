#include "platform/workloads/objects/common.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::workloads {
namespace {

bool expression_holds(const json::Value& expression, const json::Value& labels) {
  const std::string& op = expression["operator"].str();
  const json::Value* value = labels.object().find(expression["key"].str());
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  bool in = false;
  for (const auto& v : expression["values"].array()) in |= value && v.str() == value->str();
  return op == "NotIn" ? !in : in;
}

void add_term(std::string& out, const std::string& term) {
  if (!out.empty()) out += ',';
  out += term;
}

}  // namespace

std::string labels_text(const json::Value& labels) {
  std::string out;
  for (const auto& [key, value] : labels.object()) add_term(out, str(key, "=", value.str()));
  return out;
}

std::string selector_text(const json::Value& label_selector) {
  std::string out = labels_text(label_selector["matchLabels"]);
  for (const auto& e : label_selector["matchExpressions"].array()) {
    const std::string &op = e["operator"].str(), &key = e["key"].str();
    std::vector<std::string> values;
    for (const auto& v : e["values"].array()) values.push_back(v.str());
    if (op == "Exists")
      add_term(out, key);
    else if (op == "DoesNotExist")
      add_term(out, "!" + key);
    else
      add_term(out, str(key, op == "NotIn" ? " notin (" : " in (", join(values, ","), ")"));
  }
  return out;
}

bool has_labels(const json::Value& labels, const json::Value& wanted) {
  for (const auto& [key, value] : wanted.object()) {
    const json::Value* have = labels.object().find(key);
    if (!have || have->str() != value.str()) return false;
  }
  return true;
}

bool map_selects(const json::Value& selector, const json::Value& labels) {
  return selector.size() > 0 && has_labels(labels, selector);
}

bool selects(const json::Value& label_selector, const json::Value& labels) {
  if (label_selector["matchLabels"].size() + label_selector["matchExpressions"].size() == 0)
    return false;
  if (!has_labels(labels, label_selector["matchLabels"])) return false;
  for (const auto& e : label_selector["matchExpressions"].array())
    if (!expression_holds(e, labels)) return false;
  return true;
}

bool pod_finished(const json::Value& pod) {
  const std::string& phase = pod["status"]["phase"].str();
  return phase == "Succeeded" || phase == "Failed";
}

bool pod_active(const json::Value& pod) { return !pod_finished(pod) && !client::deleting(pod); }

bool pod_ready(const json::Value& pod) { return client::condition_is(pod, "Ready", "True"); }

bool pod_available(const json::Value& pod, int64_t min_ready_seconds, WallTime now,
                   std::optional<Duration>* wait) {
  if (!pod_ready(pod)) return false;
  if (min_ready_seconds <= 0) return true;
  auto since = parse_rfc3339(client::condition(pod, "Ready")["lastTransitionTime"].str());
  if (!since) return true;
  Duration missing = std::chrono::seconds(min_ready_seconds) - (now - *since);
  if (missing <= Duration::zero()) return true;
  if (wait && (!*wait || missing < **wait)) *wait = missing;
  return false;
}

int64_t restarts(const json::Value& pod) {
  int64_t sum = 0;
  for (const char* list : {"containerStatuses", "initContainerStatuses"})
    for (const auto& c : pod["status"][list].array()) sum += c["restartCount"].integer();
  return sum;
}

std::string name_hash(std::string_view input, size_t length) {
  static constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  uint64_t h = 14695981039346656037ull;  // FNV-1a
  for (unsigned char c : input) h = (h ^ c) * 1099511628211ull;
  h ^= h >> 32;
  std::string out;
  for (size_t i = 0; i < length; ++i) {
    out += alphabet[h % alphabet.size()];
    h /= alphabet.size();
  }
  return out;
}

std::optional<WallTime> time_at(const json::Value& object, std::string_view key) {
  return parse_rfc3339(object[key].str());
}

const std::string& name_of(const json::Value& object) { return object["metadata"]["name"].str(); }

const std::string& namespace_of(const json::Value& object) {
  return object["metadata"]["namespace"].str();
}

int64_t generation_of(const json::Value& object) {
  return object["metadata"]["generation"].integer();
}

bool controlled_by(const json::Value& object, const json::Value& owner) {
  const json::Value* reference = client::controller_of(object);
  return reference && (*reference)["uid"].str() == client::uid_of(owner);
}

json::Value shell_of(const client::Kind& kind, std::string_view ns, std::string_view name) {
  json::Value v = json::object({{"apiVersion", kind.api_version()}, {"kind", kind.kind}});
  v.ref("metadata", "name") = name;
  if (kind.namespaced) v.ref("metadata", "namespace") = ns;
  return v;
}

Status write_status(client::Client& client, const client::Kind& kind, const json::Value& object,
                    json::Value status, std::string_view manager) {
  if (object["status"] == status) return {};
  json::Value fields = shell_of(kind, namespace_of(object), name_of(object));
  fields.set("status", std::move(status));
  auto written = client.apply(kind, std::move(fields), {std::string(manager), "status"});
  if (!written.ok() && written.error().code != Code::kNotFound)
    return std::move(written).error().with_context("write status");
  return {};
}

void set_count(json::Value& status, std::string_view key, int64_t count) {
  if (count != 0) status.set(key, count);
}

Status ignore_not_found(Status status) {
  if (!status.ok() && status.error().code == Code::kNotFound) return {};
  return status;
}

Result<std::vector<Object>> list_pods(const client::Client& client, std::string_view ns,
                                      std::string_view selector) {
  return client.list(api::kPod, {std::string(ns), std::string(selector), ""});
}

}  // namespace proa::workloads
