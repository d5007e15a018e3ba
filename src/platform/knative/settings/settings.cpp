#include "platform/knative/settings/settings.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/knative/scaling/config_reader.h"

namespace proa::knative {
namespace {

using std::chrono::seconds;

constexpr const char* kResources[] = {"cpu", "memory", "ephemeral-storage"};

// "48h", or "disabled".
void period_or_none(ConfigReader& r, const char* key, std::optional<Duration>& out) {
  auto text = r.get(key);
  if (!text) return;
  out.reset();
  if (*text == "disabled") return;
  out = parse_duration(*text);
  if (!out)
    r.refuse(key, "is no duration such as 48h, nor \"disabled\"", *text);
  else if (*out < Duration::zero())
    r.refuse(key, "must be non-negative", *text);
}

bool is_domain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (std::string_view label : split(name, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    for (char c : label)
      if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return true;
}

Error fail(std::string text) { return error(Code::kUnprocessable, std::move(text)); }

// `index .Labels "key"`, `.Name`: the text between the braces.
Result<std::string> fill_one(std::string_view action, const TemplateValues& values,
                             const json::Value& labels, const json::Value& annotations) {
  if (action.starts_with('.'))
    if (auto it = values.find(std::string(action.substr(1))); it != values.end()) return it->second;
  const std::pair<std::string_view, const json::Value*> maps[] = {
      {"index .Labels \"", &labels}, {"index .Annotations \"", &annotations}};
  for (const auto& [prefix, map] : maps)
    if (action.starts_with(prefix) && action.ends_with('"') && action.size() > prefix.size())
      return (*map)[action.substr(prefix.size(), action.size() - prefix.size() - 1)].str();
  return fail(str("{{", shorten(action, 80),
                  "}} is not known: there are .Name, .Namespace, "
                  ".Domain, .Tag, index .Labels \"KEY\" and index .Annotations \"KEY\""));
}

void check_template(ConfigReader& r, const char* key, const std::string& text, bool tag) {
  TemplateValues sample{{"Name", "name"}, {"Namespace", "ns"}, {"Domain", "example.com"}};
  if (tag) sample = {{"Name", "name"}, {"Tag", "tag"}};
  auto filled = fill_template(text, sample);
  if (!filled.ok()) return r.refuse(key, filled.error().message, text);
  r.require(is_domain(*filled), str("failed to parse \"", key, "\": \"", shorten(text, 80),
                                    "\" does not make a host name: \"", *filled, "\""));
  r.require(contains(text, tag ? ".Tag" : ".Name"),
            str(key, " must use ", tag ? "{{.Tag}}" : "{{.Name}}"));
}

}  // namespace

Result<std::string> fill_template(std::string_view text, const TemplateValues& values,
                                  const json::Value& labels, const json::Value& annotations) {
  std::string out;
  while (true) {
    const size_t open = text.find("{{");
    if (open == std::string_view::npos) return out += text;
    const size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return fail("a {{ without its }}");
    out += text.substr(0, open);
    TRY(std::string value,
        fill_one(trim(text.substr(open + 2, close - open - 2)), values, labels, annotations));
    out += value;
    text.remove_prefix(close + 2);
  }
}

Result<Defaults> parse_defaults(const json::Value& data) {
  Defaults d;
  ConfigReader r(data);
  r.whole("revision-timeout-seconds", d.timeout);
  r.whole("max-revision-timeout-seconds", d.max_timeout);
  r.whole("revision-response-start-timeout-seconds", d.response_start);
  r.whole("revision-idle-timeout-seconds", d.idle);
  r.whole("container-concurrency", d.concurrency);
  r.whole("container-concurrency-max-limit", d.max_concurrency);
  r.flag("allow-container-concurrency-zero", d.allow_concurrency_zero);
  r.flag("enable-service-links", d.enable_service_links);
  r.text("container-name-template", d.container_name);
  r.text("init-container-name-template", d.init_container_name);
  for (const char* resource : kResources) {
    const std::string request = str("revision-", resource, "-request");
    const std::string limit = str("revision-", resource, "-limit");
    if (auto text = r.get(request.c_str())) d.requests.set(resource, *text);
    if (auto text = r.get(limit.c_str())) d.limits.set(resource, *text);
  }
  auto within = [&](const char* what, int64_t v) {
    r.require(v >= 0 && v <= d.max_timeout,
              str(what, " (", v, ") cannot be greater than max-revision-timeout-seconds (",
                  d.max_timeout, ") or negative"));
  };
  within("revision-timeout-seconds", d.timeout);
  within("revision-response-start-timeout-seconds", d.response_start);
  within("revision-idle-timeout-seconds", d.idle);
  r.require(d.max_concurrency >= 1, "container-concurrency-max-limit must be at least 1");
  r.require(d.concurrency >= 0 && d.concurrency <= d.max_concurrency,
            str("container-concurrency = ", d.concurrency,
                ", must be within container-concurrency-max-limit of ", d.max_concurrency));
  r.require(d.allow_concurrency_zero || d.concurrency > 0,
            "container-concurrency cannot be zero when allow-container-concurrency-zero is false");
  for (const char* key : {"container-name-template", "init-container-name-template"})
    if (auto text = r.get(key))
      if (auto filled = fill_template(*text, {{"Name", "name"}, {"Namespace", "ns"}}); !filled.ok())
        r.refuse(key, filled.error().message, *text);
  TRY_STATUS(r.done());
  return d;
}

Result<DeploymentSettings> parse_deployment(const json::Value& data) {
  DeploymentSettings d;
  ConfigReader r(data);
  r.period("progress-deadline", d.progress_deadline);
  r.text("queue-sidecar-cpu-request", d.queue_cpu_request);
  r.text("queue-sidecar-image", d.queue_image);
  r.require(d.progress_deadline > Duration::zero(),
            str("progress-deadline cannot be a non-positive duration, was ",
                format_duration(d.progress_deadline)));
  r.require(d.progress_deadline % seconds(1) == Duration::zero(),
            str("progress-deadline must be rounded to a whole second, was: ",
                format_duration(d.progress_deadline)));
  TRY_STATUS(r.done());
  return d;
}

std::string Domains::of(const json::Value& labels, const std::string& fallback) const {
  const Domain* best = nullptr;
  for (const Domain& d : all) {
    const bool chooses = std::all_of(d.selector.begin(), d.selector.end(), [&](const auto& one) {
      return labels.has(one.first) && labels[one.first].str() == one.second;
    });
    if (chooses && (!best || d.selector.size() > best->selector.size())) best = &d;
  }
  return best ? best->name : fallback;
}

Result<Domains> parse_domains(const json::Value& data) {
  Domains out;
  for (const auto& [name, value] : data.object()) {
    if (name == "_example") continue;
    if (!is_domain(name)) return fail(str("invalid domain name: \"", shorten(name, 80), "\""));
    Domains::Domain domain{name, {}};
    if (!trim(value.str()).empty()) {
      auto parsed = json::parse_yaml(value.str());
      if (!parsed.ok() || !parsed->is_object())
        return fail(str("domain ", name, ": its value is no YAML with a selector"));
      for (const auto& [label, wanted] : (*parsed)["selector"].object())
        domain.selector[label] = wanted.str();
    }
    out.all.push_back(std::move(domain));
  }
  return out;
}

const std::map<std::string, std::string>& default_features() {
  static const std::map<std::string, std::string> kAll = [] {
    std::map<std::string, std::string> all;
    // What this platform runs is allowed from the start; Knative has its users enable it.
    for (const char* on :
         {"affinity", "dnsconfig", "dnspolicy", "fieldref", "hostaliases", "init-containers",
          "nodeselector", "persistent-volume-claim", "persistent-volume-write", "priorityclassname",
          "runtimeclassname", "schedulername", "securitycontext", "tolerations",
          "topologyspreadconstraints", "volumes-emptydir"})
      all[str("kubernetes.podspec-", on)] = "enabled";
    for (const char* off : {"hostipc", "hostnetwork", "hostpid", "shareprocessnamespace",
                            "volumes-csi", "volumes-hostpath", "volumes-image"})
      all[str("kubernetes.podspec-", off)] = "disabled";
    all["tag-header-based-routing"] = "disabled";
    return all;
  }();
  return kAll;
}

bool Features::allows(std::string_view feature) const {
  const std::string key = str("kubernetes.podspec-", feature);
  if (auto it = pods.find(key); it != pods.end()) return it->second;
  auto fallback = default_features().find(key);
  return fallback == default_features().end() || fallback->second == "enabled";
}

Result<Features> parse_features(const json::Value& data) {
  Features f;
  ConfigReader r(data);
  for (const auto& [key, value] : data.object()) {
    const std::string& text = value.str();
    const bool on = iequals(text, "enabled") || iequals(text, "allowed");
    if (key == "tag-header-based-routing")
      f.tag_headers = on;
    else if (key.starts_with("kubernetes.podspec-"))
      f.pods[key] = on;
    else
      continue;
    if (!on && !iequals(text, "disabled"))
      r.refuse(key.c_str(), "is none of enabled, allowed, disabled", text);
  }
  TRY_STATUS(r.done());
  return f;
}

Result<GarbageSettings> parse_garbage(const json::Value& data) {
  GarbageSettings g;
  ConfigReader r(data);
  period_or_none(r, "retain-since-create-time", g.since_create);
  period_or_none(r, "retain-since-last-active-time", g.since_active);
  r.whole("min-non-active-revisions", g.min_non_active);
  if (auto text = r.get("max-non-active-revisions")) {
    g.max_non_active = parse_int(*text);
    if (!g.max_non_active && *text != "disabled")
      r.refuse("max-non-active-revisions", "is no whole number, nor \"disabled\"", *text);
  }
  r.require(g.min_non_active >= 0,
            str("min-non-active-revisions must be non-negative, was: ", g.min_non_active));
  r.require(!g.max_non_active || *g.max_non_active >= g.min_non_active,
            str("min-non-active-revisions (", g.min_non_active,
                ") must be <= max-non-active-revisions (", g.max_non_active.value_or(0), ")"));
  TRY_STATUS(r.done());
  return g;
}

Result<Network> parse_network(const json::Value& data) {
  Network n;
  ConfigReader r(data);
  r.text("domain-template", n.domain_template);
  r.text("tag-template", n.tag_template);
  r.text("default-external-scheme", n.scheme);
  int64_t rollout = 0;
  r.whole("rollout-duration", rollout);
  r.require(rollout >= 0 && rollout <= 86400 * 365,
            str("rollout-duration must be a positive integer, but was ", rollout));
  n.rollout_duration = seconds(rollout);
  r.require(n.scheme == "http" || n.scheme == "https",
            str("default-external-scheme = ", n.scheme, ", must be http or https"));
  check_template(r, "domain-template", n.domain_template, false);
  check_template(r, "tag-template", n.tag_template, true);
  TRY_STATUS(r.done());
  return n;
}

Status validate_config(std::string_view name, const json::Value& data) {
  Status status;
  auto check = [&](auto parsed) {
    if (!parsed.ok()) status = std::move(parsed).error();
  };
  if (name == "config-autoscaler") check(parse_autoscaler_config(data));
  if (name == "config-defaults") check(parse_defaults(data));
  if (name == "config-deployment") check(parse_deployment(data));
  if (name == "config-domain") check(parse_domains(data));
  if (name == "config-features") check(parse_features(data));
  if (name == "config-gc") check(parse_garbage(data));
  if (name == "config-network") check(parse_network(data));
  if (status.ok()) return {};
  return error(Code::kInvalid,
               str("admission webhook \"config.webhook.serving.knative.dev\" denied "
                   "the request: validation failed: ",
                   status.error().message));
}

}  // namespace proa::knative
