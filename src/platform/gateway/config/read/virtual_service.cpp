#include "platform/gateway/config/read/virtual_service.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "platform/gateway/config/read/rule_reader.h"

namespace proa::gateway {

using json::Value;

namespace {

class Reader {
 public:
  explicit Reader(VirtualService& out) : out_(out), rules_(out.warnings) {}

  void warn(std::string text) { rules_.warn(std::move(text)); }

  TextMatch text(const Value& v, std::string_view where) {
    TextMatch m;
    if (v.has("exact")) {
      m.kind = TextMatch::kExact, m.text = v["exact"].str();
    } else if (v.has("prefix")) {
      m.kind = TextMatch::kPrefix, m.text = v["prefix"].str();
    } else if (v.has("regex")) {
      m.kind = TextMatch::kRegex, m.text = v["regex"].str();
      m.pattern = read_pattern(m.text, where, out_.warnings);
    }
    return m;
  }

  TextMatch authority(const Value& v) {
    if (v.has("regex"))
      if (auto host = plain_host_of(v["regex"].str()))
        return {TextMatch::kExact, *host, nullptr, false};
    TextMatch m = text(v, "http.match.authority");
    if (m.kind == TextMatch::kExact) m.text = lower(m.text);
    return m;
  }

  std::vector<HeaderMatch> named(const Value& map, std::string_view where) {
    std::vector<HeaderMatch> out;
    for (const auto& [name, value] : map.object()) out.push_back({name, text(value, where)});
    return out;
  }

  Match match(const Value& v) {
    Match m;
    m.uri = text(v["uri"], "http.match.uri");
    m.uri.ignore_case = v["ignoreUriCase"].boolean() && m.uri.kind != TextMatch::kRegex;
    m.authority = authority(v["authority"]);
    m.method = text(v["method"], "http.match.method");
    m.scheme = text(v["scheme"], "http.match.scheme");
    m.headers = named(v["headers"], "http.match.headers");
    m.without_headers = named(v["withoutHeaders"], "http.match.withoutHeaders");
    m.query = named(v["queryParams"], "http.match.queryParams");
    m.listener_port = static_cast<uint16_t>(v["port"].integer());
    for (const Value& g : v["gateways"].array()) m.gateways.push_back(g.str());
    for (const char* field : {"sourceLabels", "sourceNamespace"})
      if (v.has(field)) {
        warn(
            str("http.match.", field,
                " is not carried out: the gateway does not know which pod sends; the match applies "
                "to all"));
      }
    return m;
  }

  NamedDestination destination(const Value& v) {
    NamedDestination d = plain(v["destination"]);
    d.weight = static_cast<uint32_t>(std::clamp<int64_t>(v["weight"].integer(0), 0, 1'000'000));
    d.request = read_header_change(v["headers"]["request"]);
    d.response = read_header_change(v["headers"]["response"]);
    return d;
  }

  static NamedDestination plain(const Value& v) {
    NamedDestination d;
    d.host = lower(v["host"].str());
    d.subset = v["subset"].str();
    d.port = static_cast<uint16_t>(v["port"]["number"].integer());
    return d;
  }

  std::vector<NamedDestination> destinations(const Value& list) {
    std::vector<NamedDestination> out;
    for (const Value& to : list.array()) out.push_back(destination(to));
    if (out.size() == 1 && out[0].weight == 0) out[0].weight = 100;
    return out;
  }

  void mirrors(const Value& v, RuleSource& source) {
    auto add = [&](const Value& destination, const Value& percent, const Value& whole) {
      NamedDestination d = plain(destination);
      d.weight = share_of(percent.has("value") ? percent["value"].number()
                          : whole.is_number()  ? whole.number()
                                               : 100);
      source.mirrors.push_back(std::move(d));
    };
    const Value& whole = v.has("mirrorPercent") ? v["mirrorPercent"] : v["mirror_percent"];
    if (v["mirror"].is_object()) add(v["mirror"], v["mirrorPercentage"], whole);
    for (const Value& m : v["mirrors"].array()) add(m["destination"], m["percentage"], Value());
  }

  void rule(const Value& v) {
    RuleSource source;
    Rule& r = source.rule;
    r.name = v["name"].str();
    for (const Value& m : v["match"].array()) r.matches.push_back(match(m));
    r.request = read_header_change(v["headers"]["request"]);
    r.response = read_header_change(v["headers"]["response"]);
    rules_.rewrite(v["rewrite"], r);
    if (std::string host = take_host(r.request); !host.empty()) r.authority = host;
    if (v.has("redirect")) r.redirect = rules_.redirect(v["redirect"]);
    if (v["directResponse"].is_object()) r.direct = rules_.direct(v["directResponse"]);
    if (auto d = parse_duration(v["timeout"].str())) {
      source.has_timeout = true;
      r.timeout = d->count() ? *d : kNoTimeout;
    }
    if (v.has("retries")) r.retries = rules_.retries(v["retries"]);
    if (v["fault"].is_object()) r.fault = rules_.fault(v["fault"]);
    if (v["corsPolicy"].is_object()) r.cors = rules_.cors(v["corsPolicy"]);
    mirrors(v, source);
    source.to = destinations(v["route"]);
    if (const Value& d = v["delegate"]; d.is_object()) {
      const std::string& ns = d["namespace"].str();
      source.delegate = client::Key{ns.empty() ? out_.ns : ns, d["name"].str()};
    }
    out_.rules.push_back(std::move(source));
  }

  void bytes(const Value& v, const char* kind) {
    ByteRule rule;
    for (const Value& m : v["match"].array()) {
      ByteRule::Match match;
      for (const Value& h : m["sniHosts"].array()) match.hosts.push_back(lower(h.str()));
      match.port = static_cast<uint16_t>(m["port"].integer());
      for (const Value& g : m["gateways"].array()) match.gateways.push_back(g.str());
      for (const char* field :
           {"destinationSubnets", "sourceSubnet", "sourceLabels", "sourceNamespace"})
        if (m.has(field)) warn(str(kind, ".match.", field, " is not carried out"));
      rule.matches.push_back(std::move(match));
    }
    rule.to = destinations(v["route"]);
    out_.bytes.push_back(std::move(rule));
  }

 private:
  // A Host among the request headers to set is the authority, not a header.
  static std::string take_host(HeaderChange& c) {
    std::string host;
    std::erase_if(c.set, [&](const NameValue& h) {
      if (!iequals(h.first, "host") && h.first != ":authority") return false;
      host = h.second;
      return true;
    });
    return host;
  }

  VirtualService& out_;
  RuleReader rules_;
};

}  // namespace

VirtualService read_virtual_service(const Value& object) {
  VirtualService out;
  const Value& meta = object["metadata"];
  const Value& spec = object["spec"];
  out.ns = meta["namespace"].str(), out.name = meta["name"].str();
  out.created = meta["creationTimestamp"].str();
  for (const Value& h : spec["hosts"].array()) out.hosts.push_back(lower(h.str()));
  for (const Value& g : spec["gateways"].array()) out.gateways.push_back(g.str());
  Reader reader(out);
  for (const Value& rule : spec["http"].array()) reader.rule(rule);
  for (const Value& rule : spec["tls"].array()) reader.bytes(rule, "tls");
  for (const Value& rule : spec["tcp"].array()) reader.bytes(rule, "tcp");
  for (const Value& to : spec["exportTo"].array())
    if (to.str() != "*")
      reader.warn("exportTo is not carried out: the rules count for the whole cluster");
  return out;
}

}  // namespace proa::gateway
