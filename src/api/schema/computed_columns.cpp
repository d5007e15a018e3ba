#include "api/schema/computed_columns.h"

#include <algorithm>

#include "api/schema/selectors.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

using json::Value;

std::string or_none(const Value& v, std::string_view none = "<none>") {
  return v.str().empty() ? std::string(none) : v.str();
}

std::string joined(const std::vector<std::string>& parts, std::string_view none = "<none>") {
  return parts.empty() ? std::string(none) : join(parts, ",");
}

const Value& template_of(const Value& o) {
  return o["spec"].has("jobTemplate") ? o["spec"]["jobTemplate"]["spec"]["template"]
         : o.has("template")          ? o["template"]
                                      : o["spec"]["template"];
}

std::string each(const Value& list, std::string_view key) {
  std::vector<std::string> out;
  for (const Value& item : list.array()) out.push_back(item[key].str());
  return join(out, ",");
}

std::string map_text(const Value& map) {
  std::vector<std::string> out;
  for (const auto& [key, v] : map.object()) out.push_back(str(key, "=", v.str()));
  return joined(out);
}

std::string selector_text(const Value& selector) {
  auto parsed = LabelSelector::from(selector);
  if (!parsed.ok() || parsed->empty()) return "<none>";
  return parsed->text();
}

std::string access_modes(const Value& modes) {
  std::vector<std::string> out;
  for (const auto& [name, brief] : {std::pair{"ReadWriteOnce", "RWO"},
                                    {"ReadOnlyMany", "ROX"},
                                    {"ReadWriteMany", "RWX"},
                                    {"ReadWriteOncePod", "RWOP"}})
    for (const Value& mode : modes.array())
      if (mode.str() == name) {
        out.push_back(brief);
        break;
      }
  return join(out, ",");
}

std::string port_text(const Value& v) { return v.is_string() ? v.str() : str(v.integer()); }

// At most `most` texts, then "+ N more...".
std::string first_few(const std::vector<std::string>& all, size_t most) {
  if (all.empty()) return "<unset>";
  std::vector<std::string> head(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size())));
  std::string out = join(head, ",");
  if (all.size() > most) out += str(" + ", all.size() - most, " more...");
  return out;
}

std::optional<Value> node(std::string_view name, const Value& o) {
  if (name == "nodeStatus") {
    std::string out = "Unknown";
    for (const Value& c : o["status"]["conditions"].array())
      if (c["type"].str() == "Ready") out = c["status"].str() == "True" ? "Ready" : "NotReady";
    if (o["spec"]["unschedulable"].boolean()) out += ",SchedulingDisabled";
    return out;
  }
  if (name == "nodeRoles") {
    std::vector<std::string> out;
    for (const auto& [key, v] : o["metadata"]["labels"].object()) {
      if (key.starts_with("node-role.kubernetes.io/"))
        out.push_back(key.substr(24));
      else if (key == "kubernetes.io/role" && !v.str().empty())
        out.push_back(v.str());
    }
    return joined(out);
  }
  if (name == "nodeInternalIP" || name == "nodeExternalIP") {
    for (const Value& a : o["status"]["addresses"].array())
      if (a["type"].str() == name.substr(4)) return a["address"].str();
    return "<none>";
  }
  return std::nullopt;
}

std::optional<Value> service(std::string_view name, const Value& o) {
  const Value& spec = o["spec"];
  if (name == "clusterIP") return or_none(spec["clusterIP"]);
  if (name == "serviceSelector") return map_text(spec["selector"]);
  if (name == "serviceExternalIP") {
    const std::string& type = spec["type"].str();
    if (type == "ExternalName") return or_none(spec["externalName"]);
    std::vector<std::string> ips;
    if (type == "LoadBalancer")
      for (const Value& in : o["status"]["loadBalancer"]["ingress"].array())
        ips.push_back(in["ip"].str().empty() ? in["hostname"].str() : in["ip"].str());
    for (const Value& ip : spec["externalIPs"].array()) ips.push_back(ip.str());
    return joined(ips, type == "LoadBalancer" ? "<pending>" : "<none>");
  }
  if (name == "servicePorts") {
    std::vector<std::string> out;
    for (const Value& p : spec["ports"].array()) {
      std::string node_port = p["nodePort"].integer() ? str(":", p["nodePort"].integer()) : "";
      out.push_back(str(p["port"].integer(), node_port, "/", p["protocol"].str_or("TCP")));
    }
    return joined(out);
  }
  return std::nullopt;
}

std::optional<Value> event(std::string_view name, const Value& o, WallTime now) {
  auto last = [&]() -> const Value& {
    if (!o["series"]["lastObservedTime"].str().empty()) return o["series"]["lastObservedTime"];
    return o["lastTimestamp"].str().empty() ? o["eventTime"] : o["lastTimestamp"];
  };
  if (name == "eventLastSeen") return since(last(), now);
  if (name == "eventFirstSeen")
    return since(o["firstTimestamp"].str().empty() ? o["eventTime"] : o["firstTimestamp"], now);
  if (name == "eventObject")
    return str(lower(o["involvedObject"]["kind"].str()), "/", o["involvedObject"]["name"].str());
  if (name == "eventMessage") return std::string(trim(o["message"].str()));
  if (name == "eventCount")
    return o["series"].has("count") ? o["series"]["count"]
                                    : Value(std::max<int64_t>(1, o["count"].integer()));
  if (name == "eventSource") {
    std::string component = o["source"]["component"].str_or("");
    if (component.empty()) component = o["reportingComponent"].str();
    const std::string& host = o["source"]["host"].str();
    return host.empty() ? component : str(component, ", ", host);
  }
  return std::nullopt;
}

std::optional<Value> volume(std::string_view name, const Value& o) {
  if (name == "accessModes") return access_modes(o["spec"]["accessModes"]);
  if (name == "claimAccessModes") return access_modes(o["status"]["accessModes"]);
  if (name == "volumeStatus")
    return o["metadata"].has("deletionTimestamp") ? "Terminating" : o["status"]["phase"].str();
  if (name == "volumeMode") return or_none(o["spec"]["volumeMode"], "<unset>");
  if (name == "volumeAttributesClass")
    return or_none(o["spec"]["volumeAttributesClassName"], "<unset>");
  if (name == "volumeClaim") {
    const Value& ref = o["spec"]["claimRef"];
    return ref.is_object() ? str(ref["namespace"].str(), "/", ref["name"].str()) : "";
  }
  return std::nullopt;
}

std::optional<Value> workload(std::string_view name, const Value& o) {
  if (name == "specReplicas") return o["spec"]["replicas"].integer();
  if (name == "statusReplicas") return o["status"]["replicas"].integer();
  if (name == "readyReplicas") return o["status"]["readyReplicas"].integer();
  if (name == "updatedReplicas") return o["status"]["updatedReplicas"].integer();
  if (name == "availableReplicas") return o["status"]["availableReplicas"].integer();
  if (name == "deploymentReady")
    return str(o["status"]["readyReplicas"].integer(), "/", o["spec"]["replicas"].integer());
  if (name == "templateContainers") return each(template_of(o)["spec"]["containers"], "name");
  if (name == "templateImages") return each(template_of(o)["spec"]["containers"], "image");
  if (name == "templateLabels") return map_text(template_of(o)["metadata"]["labels"]);
  if (name == "templateNodeSelector") return map_text(template_of(o)["spec"]["nodeSelector"]);
  if (name == "labelSelector") return selector_text(o["spec"]["selector"]);
  if (name == "podSelector") return selector_text(o["spec"]["podSelector"]);
  if (name == "controllerName") {
    const Value* owner = nullptr;
    for (const Value& r : o["metadata"]["ownerReferences"].array())
      if (r["controller"].boolean()) owner = &r;
    return owner ? str(lower((*owner)["kind"].str()), "/", (*owner)["name"].str()) : "<none>";
  }
  return std::nullopt;
}

std::optional<Value> job(std::string_view name, const Value& o, WallTime now) {
  const Value &spec = o["spec"], &status = o["status"];
  if (name == "jobStatus") {
    auto is = [&](std::string_view type) {
      for (const Value& c : status["conditions"].array())
        if (c["type"].str() == type && c["status"].str() == "True") return true;
      return false;
    };
    if (is("Complete")) return "Complete";
    if (is("Failed")) return "Failed";
    if (o["metadata"].has("deletionTimestamp")) return "Terminating";
    if (is("Suspended")) return "Suspended";
    if (is("FailureTarget")) return "FailureTarget";
    if (is("SuccessCriteriaMet")) return "SuccessCriteriaMet";
    return "Running";
  }
  if (name == "jobCompletions") {
    int64_t done = status["succeeded"].integer();
    if (spec.has("completions")) return str(done, "/", spec["completions"].integer());
    int64_t width = spec["parallelism"].integer();
    return width > 1 ? str(done, "/1 of ", width) : str(done, "/1");
  }
  if (name == "jobDuration") {
    auto from = parse_rfc3339(status["startTime"].str());
    if (!from) return "";
    auto to = parse_rfc3339(status["completionTime"].str());
    return age_text((to ? *to : now) - *from);
  }
  if (name == "cronTimezone") return or_none(spec["timeZone"]);
  if (name == "cronSuspend")
    return spec.has("suspend") ? (spec["suspend"].boolean() ? "True" : "False") : "<unset>";
  if (name == "cronActive") return static_cast<int64_t>(status["active"].size());
  if (name == "cronLast")
    return status["lastScheduleTime"].str().empty() ? "<none>"
                                                    : since(status["lastScheduleTime"], now);
  return std::nullopt;
}

std::string metric_text(const Value& spec, const Value& now_list) {
  const Value& resource = spec["resource"];
  if (spec["type"].str() != "Resource") return str(spec["type"].str(), " metric");
  std::string current = "<unknown>";
  bool percent = resource["target"].has("averageUtilization");
  for (const Value& m : now_list.array()) {
    if (m["resource"]["name"] != resource["name"]) continue;
    const Value& c = m["resource"]["current"];
    if (percent && c.has("averageUtilization"))
      current = str(c["averageUtilization"].integer(), "%");
    else if (!percent && !c["averageValue"].str().empty())
      current = c["averageValue"].str();
  }
  std::string target = percent ? str(resource["target"]["averageUtilization"].integer(), "%")
                               : resource["target"]["averageValue"].str();
  return str(resource["name"].str(), ": ", current, "/", target);
}

std::optional<Value> autoscaler(std::string_view name, const Value& o) {
  if (name == "hpaReference")
    return str(o["spec"]["scaleTargetRef"]["kind"].str(), "/",
               o["spec"]["scaleTargetRef"]["name"].str());
  if (name == "hpaMin")
    return o["spec"].has("minReplicas") ? str(o["spec"]["minReplicas"].integer()) : "<unset>";
  if (name == "hpaReplicas") return o["status"]["currentReplicas"].integer();
  if (name == "hpaTargets") {
    std::vector<std::string> out;
    for (const Value& m : o["spec"]["metrics"].array())
      out.push_back(metric_text(m, o["status"]["currentMetrics"]));
    if (out.empty()) return "<none>";
    std::vector<std::string> head(
        out.begin(), out.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(2, out.size())));
    return join(head, ", ") + (out.size() > 2 ? str(" + ", out.size() - 2, " more...") : "");
  }
  return std::nullopt;
}

std::optional<Value> network(std::string_view name, const Value& o) {
  if (name == "ingressClass") return or_none(o["spec"]["ingressClassName"]);
  if (name == "ingressHosts") {
    std::vector<std::string> out;
    for (const Value& r : o["spec"]["rules"].array())
      if (!r["host"].str().empty()) out.push_back(r["host"].str());
    return out.empty() ? "*" : first_few(out, 3);
  }
  if (name == "ingressAddress") {
    std::vector<std::string> out;
    for (const Value& in : o["status"]["loadBalancer"]["ingress"].array())
      out.push_back(in["ip"].str().empty() ? in["hostname"].str() : in["ip"].str());
    return join(out, ",");
  }
  if (name == "ingressPorts") return o["spec"]["tls"].size() ? "80, 443" : "80";
  if (name == "ingressParameters") {
    const Value& p = o["spec"]["parameters"];
    if (!p.is_object()) return "<none>";
    std::string kind = p["kind"].str();
    if (!p["apiGroup"].str().empty()) kind += "." + p["apiGroup"].str();
    return str(kind, "/", p["name"].str());
  }
  if (name == "slicePorts") {
    std::vector<std::string> out;
    for (const Value& p : o["ports"].array())
      out.push_back(p.has("port") ? port_text(p["port"]) : "*");
    return first_few(out, 3);
  }
  if (name == "sliceEndpoints") {
    std::vector<std::string> out;
    for (const Value& e : o["endpoints"].array())
      for (const Value& a : e["addresses"].array()) out.push_back(a.str());
    return first_few(out, 3);
  }
  if (name == "endpointsText") {
    std::vector<std::string> out;
    for (const Value& s : o["subsets"].array())
      for (const Value& a : s["addresses"].array())
        for (const Value& p : s["ports"].array())
          out.push_back(str(a["ip"].str(), ":", p["port"].integer()));
    return out.empty() ? "<none>" : first_few(out, 3);
  }
  return std::nullopt;
}

std::optional<Value> other(std::string_view name, const Value& o) {
  if (name == "dataCount") return static_cast<int64_t>(o["data"].size() + o["binaryData"].size());
  if (name == "quotaRequests" || name == "quotaLimits") {
    std::vector<std::string> out;
    for (const auto& [key, hard] : o["status"]["hard"].object())
      if (key.starts_with("limits") == (name == "quotaLimits"))
        out.push_back(str(key, ": ", o["status"]["used"][key].str_or("0"), "/", hard.str()));
    return join(out, ", ");
  }
  if (name == "minAvailable" || name == "maxUnavailable")
    return o["spec"].has(name) ? port_text(o["spec"][name]) : "N/A";
  if (name == "allowedDisruptions") return o["status"]["disruptionsAllowed"].integer();
  if (name == "roleRef") return str(o["roleRef"]["kind"].str(), "/", o["roleRef"]["name"].str());
  if (name == "reclaimPolicy") return o["reclaimPolicy"].str_or("Delete");
  if (name == "bindingMode") return o["volumeBindingMode"].str_or("<unset>");
  if (name == "allowExpansion") return o["allowVolumeExpansion"].boolean();
  if (name == "globalDefault") return o["globalDefault"].boolean();
  if (name == "webhookCount") return static_cast<int64_t>(o["webhooks"].size());
  return std::nullopt;
}

}  // namespace

std::string since(const json::Value& timestamp, WallTime now) {
  auto at = parse_rfc3339(timestamp.str());
  return at ? age_text(now - *at) : "<unknown>";
}

std::optional<json::Value> computed_cell(std::string_view name, const json::Value& o,
                                         WallTime now) {
  if (auto v = pod_cell(name, o, now)) return v;
  if (auto v = workload(name, o)) return v;
  if (auto v = service(name, o)) return v;
  if (auto v = node(name, o)) return v;
  if (auto v = event(name, o, now)) return v;
  if (auto v = volume(name, o)) return v;
  if (auto v = job(name, o, now)) return v;
  if (auto v = autoscaler(name, o)) return v;
  if (auto v = network(name, o)) return v;
  return other(name, o);
}

}  // namespace proa::api
