#include "platform/gateway/config/read/route_filters.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

namespace {

// "https://*.example.com" as an expression; other characters stand for themselves.
std::string origin_expression(std::string_view origin) {
  std::string out;
  for (char c : origin) {
    if (c == '*')
      out += ".*";
    else if (std::string_view("\\.+?()[]{}|^$").find(c) != std::string_view::npos)
      out += '\\', out += c;
    else
      out += c;
  }
  return out;
}

std::vector<std::string> texts(const Value& list) {
  std::vector<std::string> out;
  for (const Value& v : list.array()) out.push_back(v.str());
  return out;
}

}  // namespace

HeaderChange header_filter(const Value& v) {
  HeaderChange c;
  for (const Value& h : v["set"].array()) c.set.emplace_back(h["name"].str(), h["value"].str());
  for (const Value& h : v["add"].array()) c.add.emplace_back(h["name"].str(), h["value"].str());
  for (const Value& name : v["remove"].array()) c.remove.push_back(name.str());
  return c;
}

void FilterReader::read(const Value& f) {
  const std::string& type = f["type"].str();
  Rule& rule = rule_.rule;
  if (type == "RequestHeaderModifier") {
    rule.request = header_filter(f["requestHeaderModifier"]);
  } else if (type == "ResponseHeaderModifier") {
    rule.response = header_filter(f["responseHeaderModifier"]);
  } else if (type == "RequestRedirect") {
    redirect(f["requestRedirect"]);
  } else if (type == "URLRewrite") {
    rewrite(f["urlRewrite"]);
  } else if (type == "RequestMirror") {
    mirror(f["requestMirror"]);
  } else if (type == "CORS") {
    cors(f["cors"]);
  } else {
    rule_.broken = true;
    const Value& ref = f["extensionRef"];
    route_.unsupported.push_back(ref.is_object() ? str("rules.filters extensionRef ",
                                                       ref["kind"].str(), "/", ref["name"].str())
                                                 : str("rules.filters ", type));
  }
}

void FilterReader::redirect(const Value& v) {
  Redirect r;
  r.scheme = v["scheme"].str(), r.authority = v["hostname"].str();
  r.port = static_cast<uint16_t>(v["port"].integer());
  r.derive = r.scheme.empty() ? Redirect::kOfListener : Redirect::kOfScheme;
  r.code = static_cast<int>(v["statusCode"].integer(302));
  const Value& path = v["path"];
  if (path["type"].str() == "ReplaceFullPath") {
    r.uri = path["replaceFullPath"].str();
    if (r.uri.empty()) r.uri = "/";
  } else if (path["type"].str() == "ReplacePrefixMatch") {
    r.uri = path["replacePrefixMatch"].str();
    r.prefix_only = true;
  }
  rule_.rule.redirect = std::move(r);
}

void FilterReader::rewrite(const Value& v) {
  Rule& rule = rule_.rule;
  if (v.has("hostname")) rule.authority = v["hostname"].str();
  const Value& path = v["path"];
  if (path["type"].str() == "ReplaceFullPath") {
    rule.rewrite.uri = path["replaceFullPath"].str();
    rule.rewrite.whole_path = true;
  } else if (path["type"].str() == "ReplacePrefixMatch") {
    rule.rewrite.uri = path["replacePrefixMatch"].str();
    rule.rewrite.elements = true;
  } else {
    return;
  }
  if (rule.rewrite.uri.empty()) rule.rewrite.uri = "/";
}

void FilterReader::mirror(const Value& v) {
  ApiBackend m;
  const Value& ref = v["backendRef"];
  m.to.group = ref["group"].str();
  m.to.kind = ref.has("kind") ? ref["kind"].str() : "Service";
  const std::string& ns = ref["namespace"].str();
  m.to.key = {ns.empty() ? route_.key.ns : ns, ref["name"].str()};
  m.to.port = static_cast<uint16_t>(ref["port"].integer());
  m.weight = kMillion;
  if (v.has("percent")) m.weight = share_of(v["percent"].number());
  if (const Value& f = v["fraction"]; f.is_object()) {
    const double below = std::max<double>(1, f["denominator"].number(100));
    m.weight = share_of(100.0 * f["numerator"].number() / below);
  }
  rule_.mirrors.push_back(std::move(m));
}

void FilterReader::cors(const Value& v) {
  auto cors = std::make_shared<Cors>();
  for (const Value& o : v["allowOrigins"].array()) {
    TextMatch m;
    const std::string& text = o.str();
    if (text != "*") {
      const bool wild = text.find('*') != std::string::npos;
      m.kind = wild ? TextMatch::kRegex : TextMatch::kExact;
      m.text = wild ? origin_expression(text) : text;
      if (wild) m.pattern = read_pattern(m.text, "rules.filters.cors", route_.unsupported);
    }
    cors->origins.push_back(std::move(m));
  }
  cors->methods = texts(v["allowMethods"]);
  cors->headers = texts(v["allowHeaders"]);
  cors->expose = texts(v["exposeHeaders"]);
  cors->credentials = v["allowCredentials"].boolean();
  cors->max_age = std::chrono::seconds(v["maxAge"].integer(5));
  cors->forward_unmatched = false;
  rule_.rule.cors = std::move(cors);
}

}  // namespace proa::gateway
