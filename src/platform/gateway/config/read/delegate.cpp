// VirtualServices that hand a part of their traffic to others (spec.http[].delegate).
#include "foundation/base/strings.h"
#include "platform/gateway/config/read/virtual_service.h"

namespace proa::gateway {

namespace {

// Both must hold: the narrower of the two. false if this cannot be said in one match.
bool combine(TextMatch& root, const TextMatch& inner) {
  if (inner.kind == TextMatch::kAny) return true;
  if (root.kind == TextMatch::kAny) {
    root = inner;
    return true;
  }
  const bool same = root.kind == inner.kind && root.text == inner.text;
  const bool within = root.kind == TextMatch::kPrefix && inner.kind != TextMatch::kRegex &&
                      inner.text.starts_with(root.text);
  if (!same && !within) return false;
  root = inner;
  return true;
}

bool combine(std::vector<HeaderMatch>& root, const std::vector<HeaderMatch>& inner) {
  for (const HeaderMatch& h : inner) {
    bool found = false;
    for (HeaderMatch& r : root) {
      if (!iequals(r.name, h.name)) continue;
      if (!combine(r.value, h.value)) return false;
      found = true;
    }
    if (!found) root.push_back(h);
  }
  return true;
}

bool combine(Match& root, const Match& inner) {
  if (!combine(root.uri, inner.uri) || !combine(root.method, inner.method) ||
      !combine(root.scheme, inner.scheme) || !combine(root.authority, inner.authority))
    return false;
  if (!combine(root.headers, inner.headers) || !combine(root.query, inner.query)) return false;
  root.without_headers.insert(root.without_headers.end(), inner.without_headers.begin(),
                              inner.without_headers.end());
  if (inner.listener_port) {
    if (root.listener_port && root.listener_port != inner.listener_port) return false;
    root.listener_port = inner.listener_port;
  }
  return true;
}

void append(HeaderChange& to, const HeaderChange& more) {
  to.set.insert(to.set.end(), more.set.begin(), more.set.end());
  to.add.insert(to.add.end(), more.add.begin(), more.add.end());
  to.remove.insert(to.remove.end(), more.remove.begin(), more.remove.end());
}

// What the root says counts where the delegate says nothing.
void inherit(RuleSource& rule, const RuleSource& root) {
  Rule& r = rule.rule;
  const Rule& from = root.rule;
  if (r.rewrite.empty() && r.authority.empty()) r.rewrite = from.rewrite;
  if (r.authority.empty()) r.authority = from.authority;
  if (!rule.has_timeout) r.timeout = from.timeout;
  if (!r.retries.defined) r.retries = from.retries;
  if (!r.fault) r.fault = from.fault;
  if (!r.cors) r.cors = from.cors;
  if (rule.mirrors.empty()) rule.mirrors = root.mirrors;
  HeaderChange request = from.request, response = from.response;
  append(request, r.request), append(response, r.response);
  r.request = std::move(request), r.response = std::move(response);
}

}  // namespace

std::vector<RuleSource> with_delegates(
    const VirtualService& vs, const std::function<const VirtualService*(const client::Key&)>& find,
    Uses& uses, std::vector<std::string>& warnings) {
  std::vector<RuleSource> out;
  for (const RuleSource& root : vs.rules) {
    if (!root.delegate) {
      out.push_back(root);
      continue;
    }
    uses.insert(use('v', *root.delegate));
    const VirtualService* other = find(*root.delegate);
    if (!other) {
      warnings.push_back(
          str("http.delegate: there is no VirtualService ", text_of(*root.delegate)));
      continue;
    }
    if (!other->hosts.empty()) {
      warnings.push_back(str("http.delegate: VirtualService ", text_of(*root.delegate),
                             " has hosts of its own, so it cannot be delegated to"));
      continue;
    }
    for (const RuleSource& inner : other->rules) {
      if (inner.delegate) {
        warnings.push_back("http.delegate: a delegate cannot delegate");
        continue;
      }
      RuleSource rule = inner;
      rule.rule.matches.clear();
      const std::vector<Match> any(1);
      const auto& outer_matches = root.rule.matches.empty() ? any : root.rule.matches;
      const auto& inner_matches = inner.rule.matches.empty() ? any : inner.rule.matches;
      for (const Match& a : outer_matches)
        for (const Match& b : inner_matches) {
          Match both = a;
          if (combine(both, b)) rule.rule.matches.push_back(std::move(both));
        }
      if (rule.rule.matches.empty()) {
        warnings.push_back(str("http.delegate: no match of VirtualService ",
                               text_of(*root.delegate), " lies within the root's"));
        continue;
      }
      if (root.rule.matches.empty() && inner.rule.matches.empty()) rule.rule.matches.clear();
      inherit(rule, root);
      out.push_back(std::move(rule));
    }
  }
  return out;
}

}  // namespace proa::gateway
