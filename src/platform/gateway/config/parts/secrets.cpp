#include "platform/gateway/config/parts/secrets.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

bool Secrets::put(const client::Key& key, const Value& object) {
  const Value& data = object["data"];
  auto field = [&](const char* name, const char* other) {
    return unbase64(data[data.has(name) ? name : other].str()).value_or("");
  };
  Credential c;
  c.certificate = field("tls.crt", "cert");
  c.key = field("tls.key", "key");
  c.client_ca = field("ca.crt", "cacert");
  if (c.certificate.empty() && c.client_ca.empty()) return drop(key);
  secrets_[key] = std::make_shared<Credential>(std::move(c));
  return true;
}

std::shared_ptr<const Credential> Secrets::find(const client::Key& key) const {
  auto it = secrets_.find(key);
  return it == secrets_.end() ? nullptr : it->second;
}

void Grants::put(const client::Key& key, const Value& object) {
  Grant grant;
  for (const Value& f : object["spec"]["from"].array())
    grant.from.push_back({f["group"].str(), f["kind"].str(), f["namespace"].str()});
  for (const Value& t : object["spec"]["to"].array())
    grant.to.push_back({t["group"].str(), t["kind"].str(), t["name"].str()});
  grants_[key] = std::move(grant);
}

bool Grants::allow(const std::string& from_group, const std::string& from_kind,
                   const std::string& from_ns, const Reference& to, Uses& uses) const {
  if (from_ns == to.key.ns) return true;
  uses.insert(use('r', to.key.ns));
  for (auto it = grants_.lower_bound({to.key.ns, ""});
       it != grants_.end() && it->first.ns == to.key.ns; ++it) {
    const Grant& g = it->second;
    const bool from = std::any_of(g.from.begin(), g.from.end(), [&](const From& f) {
      return f.group == from_group && f.kind == from_kind && f.ns == from_ns;
    });
    const bool target = std::any_of(g.to.begin(), g.to.end(), [&](const To& t) {
      return t.group == to.group && t.kind == to.kind && (t.name.empty() || t.name == to.key.name);
    });
    if (from && target) return true;
  }
  return false;
}

bool selects(const Value& selector, const Value& labels) {
  for (const auto& [name, value] : selector["matchLabels"].object())
    if (!labels.has(name) || labels[name] != value) return false;
  for (const Value& e : selector["matchExpressions"].array()) {
    const std::string &key = e["key"].str(), &op = e["operator"].str();
    const auto& values = e["values"].array();
    const bool there = labels.has(key);
    const bool among =
        there && std::find(values.begin(), values.end(), labels[key]) != values.end();
    if (op == "In" && !among) return false;
    if (op == "NotIn" && among) return false;
    if (op == "Exists" && !there) return false;
    if (op == "DoesNotExist" && there) return false;
  }
  return true;
}

}  // namespace proa::gateway
