#include "platform/gateway/config/virtual_service.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

namespace {

using json::Value;

// Reads one VirtualService, collecting warnings.
class Reader {
 public:
  explicit Reader(VirtualService& out) : out_(out) {}

  void warn(std::string_view what) {
    if (out_.warnings.size() < 20)
      out_.warnings.push_back(str("VirtualService ", out_.ns, "/", out_.name, ": ", what));
  }

  TextMatch text(const Value& v, std::string_view where) {
    TextMatch m;
    if (v.has("exact")) {
      m.kind = TextMatch::kExact, m.text = v["exact"].str();
    } else if (v.has("prefix")) {
      m.kind = TextMatch::kPrefix, m.text = v["prefix"].str();
    } else if (v.has("regex")) {
      m.kind = TextMatch::kRegex, m.text = v["regex"].str();
      auto pattern = Pattern::make(m.text);
      if (pattern.ok())
        m.pattern = *pattern;
      else
        warn(str(where, ": ", pattern.error().message, "; it matches nothing"));
    }
    return m;
  }

  TextMatch authority(const Value& v) {
    if (v.has("regex"))
      if (auto host = plain_host_of(v["regex"].str()))
        return {TextMatch::kExact, *host, nullptr, false};
    TextMatch m = text(v, "match.authority");
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
    m.uri = text(v["uri"], "match.uri");
    m.uri.ignore_case = v["ignoreUriCase"].boolean();
    m.authority = authority(v["authority"]);
    m.method = text(v["method"], "match.method");
    m.scheme = text(v["scheme"], "match.scheme");
    m.headers = named(v["headers"], "match.headers");
    m.without_headers = named(v["withoutHeaders"], "match.withoutHeaders");
    m.query = named(v["queryParams"], "match.queryParams");
    m.port = static_cast<uint16_t>(v["port"].integer());
    for (const Value& g : v["gateways"].array()) m.gateways.push_back(g.str());
    for (const char* field : {"sourceLabels", "sourceNamespace", "statPrefix"})
      if (v.has(field)) warn(str("match.", field, " is not carried out; ignored"));
    return m;
  }

  static HeaderChange change(const Value& v) {
    HeaderChange c;
    for (const auto& [name, value] : v["set"].object()) c.set.emplace_back(name, value.str());
    for (const auto& [name, value] : v["add"].object()) c.add.emplace_back(name, value.str());
    for (const Value& name : v["remove"].array()) c.remove.push_back(name.str());
    return c;
  }

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

  NamedDestination destination(const Value& v) {
    NamedDestination d;
    d.host = lower(v["destination"]["host"].str());
    d.port = static_cast<uint16_t>(v["destination"]["port"]["number"].integer());
    d.weight = static_cast<uint32_t>(std::clamp<int64_t>(v["weight"].integer(0), 0, 1'000'000));
    d.request = change(v["headers"]["request"]);
    d.response = change(v["headers"]["response"]);
    if (v["destination"].has("subset"))
      warn(
          "destination.subset needs a DestinationRule, which is not carried out; all endpoints are "
          "used");
    return d;
  }

  void rewrite(const Value& v, Rule& rule) {
    rule.rewrite.uri = v["uri"].str();
    if (v.has("authority")) rule.authority = v["authority"].str();
    const Value& regex = v["uriRegexRewrite"];
    if (!regex.has("match")) return;
    auto pattern = Pattern::make(regex["match"].str());
    if (!pattern.ok()) return warn(str("rewrite.uriRegexRewrite: ", pattern.error().message));
    rule.rewrite.uri_pattern = *pattern;
    rule.rewrite.uri_replacement = regex["rewrite"].str();
  }

  static Redirect redirect(const Value& v) {
    Redirect r;
    r.uri = v["uri"].str(), r.authority = v["authority"].str(), r.scheme = v["scheme"].str();
    r.port = static_cast<uint16_t>(v["port"].integer());
    r.code = static_cast<int>(v["redirectCode"].integer(301));
    return r;
  }

  Retries retries(const Value& v) {
    Retries r;
    r.attempts = static_cast<int>(std::clamp<int64_t>(v["attempts"].integer(), 0, 10));
    if (auto d = parse_duration(v["perTryTimeout"].str())) r.per_try = *d;
    for (std::string_view on : split(v["retryOn"].str(), ',')) {
      on = trim(on);
      if (on == "5xx")
        r.on_5xx = true;
      else if (on == "gateway-error")
        r.on_gateway_error = true;
      else if (!on.empty() && on != "connect-failure" && on != "reset" && on != "refused-stream" &&
               on != "unavailable" && on != "cancelled")
        warn(str("retries.retryOn \"", on, "\" is not carried out; ignored"));
    }
    return r;
  }

  void rule(const Value& v) {
    RuleSource source;
    Rule& r = source.rule;
    r.name = v["name"].str();
    for (const Value& m : v["match"].array()) r.matches.push_back(match(m));
    r.request = change(v["headers"]["request"]);
    r.response = change(v["headers"]["response"]);
    rewrite(v["rewrite"], r);
    if (std::string host = take_host(r.request); !host.empty()) r.authority = host;
    if (v.has("redirect")) r.redirect = redirect(v["redirect"]);
    if (const Value& direct = v["directResponse"]; direct.is_object())
      r.direct = DirectResponse{static_cast<int>(direct["status"].integer(200)),
                                direct["body"]["string"].str()};
    if (auto d = parse_duration(v["timeout"].str())) r.timeout = *d;
    r.retries = retries(v["retries"]);
    for (const Value& to : v["route"].array()) source.to.push_back(destination(to));
    if (source.to.size() == 1 && source.to[0].weight == 0) source.to[0].weight = 100;
    for (const char* field : {"fault", "mirror", "mirrors", "corsPolicy", "delegate"})
      if (v.has(field)) warn(str("http.", field, " is not carried out; ignored"));
    out_.rules.push_back(std::move(source));
  }

 private:
  VirtualService& out_;
};

}  // namespace

VirtualService read_virtual_service(const json::Value& object) {
  VirtualService out;
  const Value& meta = object["metadata"];
  const Value& spec = object["spec"];
  out.ns = meta["namespace"].str(), out.name = meta["name"].str();
  out.created = meta["creationTimestamp"].str();
  for (const Value& h : spec["hosts"].array()) out.hosts.push_back(lower(h.str()));
  for (const Value& g : spec["gateways"].array()) out.gateways.push_back(g.str());
  Reader reader(out);
  for (const Value& rule : spec["http"].array()) reader.rule(rule);
  for (const char* field : {"tls", "tcp"})
    if (spec.has(field)) reader.warn(str("spec.", field, " is not carried out; only http is"));
  return out;
}

}  // namespace proa::gateway
