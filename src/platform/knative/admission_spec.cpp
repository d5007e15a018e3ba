#include <set>

#include "foundation/base/strings.h"
#include "platform/knative/admission.h"

namespace proa::knative {
namespace {

Error missing(const std::string& path) { return refusal("missing field(s): " + path); }
Error disallowed(const std::string& path) { return refusal("must not set the field(s): " + path); }

Error invalid(const std::string& value, const std::string& path, std::string_view details = "") {
  return refusal(str("invalid value: ", value, ": ", path, details.empty() ? "" : "\n", details));
}

Error out_of(int64_t low, int64_t value, int64_t high, const std::string& path) {
  return refusal(str("expected ", low, " <= ", value, " <= ", high, ": ", path));
}

// Fields of a pod's spec that a flag of config-features lets through.
constexpr std::pair<const char*, const char*> kGuarded[] = {
    {"affinity", "affinity"},
    {"dnsConfig", "dnsconfig"},
    {"dnsPolicy", "dnspolicy"},
    {"hostAliases", "hostaliases"},
    {"hostIPC", "hostipc"},
    {"hostNetwork", "hostnetwork"},
    {"hostPID", "hostpid"},
    {"initContainers", "init-containers"},
    {"nodeSelector", "nodeselector"},
    {"priorityClassName", "priorityclassname"},
    {"runtimeClassName", "runtimeclassname"},
    {"schedulerName", "schedulername"},
    {"securityContext", "securitycontext"},
    {"shareProcessNamespace", "shareprocessnamespace"},
    {"tolerations", "tolerations"},
    {"topologySpreadConstraints", "topologyspreadconstraints"}};

constexpr std::pair<const char*, const char*> kVolumeSources[] = {
    {"persistentVolumeClaim", "persistent-volume-claim"},
    {"emptyDir", "volumes-emptydir"},
    {"hostPath", "volumes-hostpath"},
    {"csi", "volumes-csi"},
    {"image", "volumes-image"}};

constexpr const char* kNever[] = {
    "activeDeadlineSeconds", "ephemeralContainers", "nodeName", "readinessGates", "overhead",
    "schedulingGates",       "subdomain",           "hostname"};

constexpr int64_t kReservedPorts[] = {8012, 8013, 8022, 8112, 9090, 9091};
constexpr const char* kReservedEnv[] = {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"};

bool given(const json::Value& spec, const char* field) {
  const json::Value& v = spec[field];
  return !v.is_null() && !(v.is_bool() && !v.boolean()) &&
         !((v.is_object() || v.is_array()) && v.size() == 0) && !(v.is_string() && v.str().empty());
}

Status check_fields(const json::Value& spec, const std::string& path, const Policy& policy) {
  for (const char* field : kNever)
    if (given(spec, field)) return disallowed(path + "." + field);
  for (const auto& [field, feature] : kGuarded)
    if (given(spec, field) && !policy.features.allows(feature))
      return disallowed(path + "." + field);
  return {};
}

Status check_volumes(const json::Value& spec, const std::string& path, const Policy& policy,
                     std::set<std::string>& names) {
  const json::Array& volumes = spec["volumes"].array();
  for (size_t i = 0; i < volumes.size(); ++i) {
    const std::string at = str(path, ".volumes[", i, "]");
    const std::string& name = volumes[i]["name"].str();
    if (name.empty()) return missing(at + ".name");
    if (!names.insert(name).second)
      return refusal(str("duplicate volume name \"", name, "\": ", at, ".name"));
    if (volumes[i].size() < 2)
      return refusal(str("expected exactly one, got neither: ", at, ".configMap, ", at,
                         ".emptyDir, ", at, ".persistentVolumeClaim, ", at, ".projected, ", at,
                         ".secret"));
    for (const auto& [source, feature] : kVolumeSources)
      if (volumes[i].has(source) && !policy.features.allows(feature))
        return disallowed(at + "." + source);
  }
  return {};
}

Status check_env(const json::Value& container, const std::string& at, const Policy& policy) {
  const json::Array& env = container["env"].array();
  for (size_t i = 0; i < env.size(); ++i) {
    const std::string here = str(at, ".env[", i, "]");
    const std::string& name = env[i]["name"].str();
    if (name.empty()) return missing(here + ".name");
    for (const char* reserved : kReservedEnv)
      if (name == reserved)
        return refusal(str("\"", name, "\" is a reserved environment variable: ", here, ".name"));
    for (const char* field : {"fieldRef", "resourceFieldRef"})
      if (env[i]["valueFrom"].has(field) && !policy.features.allows("fieldref"))
        return disallowed(str(here, ".valueFrom.", field));
  }
  return {};
}

Status check_mounts(const json::Value& container, const std::string& at,
                    const std::set<std::string>& volumes, std::set<std::string>& mounted) {
  std::set<std::string> paths;
  const json::Array& mounts = container["volumeMounts"].array();
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string here = str(at, ".volumeMounts[", i, "]");
    const std::string &name = mounts[i]["name"].str(), &path = mounts[i]["mountPath"].str();
    if (!volumes.count(name))
      return refusal("volumeMount has no matching volume: " + here + ".name");
    mounted.insert(name);
    if (path.empty()) return missing(here + ".mountPath");
    if (path.front() != '/') return invalid(path, here + ".mountPath");
    if (!paths.insert(path).second)
      return refusal(str("\"", path, "\" must be unique: ", here, ".mountPath"));
  }
  return {};
}

Status check_probe(const json::Value& probe, const std::string& at) {
  if (!probe.is_object()) return {};
  std::vector<std::string> handlers;
  for (const char* h : {"exec", "grpc", "httpGet", "tcpSocket"})
    if (probe.has(h)) handlers.push_back(at + "." + h);
  if (handlers.size() > 1)
    return refusal("expected exactly one, got both: " + join(handlers, ", "));
  for (const char* key : {"failureThreshold", "successThreshold", "periodSeconds", "timeoutSeconds",
                          "initialDelaySeconds"})
    if (const int64_t v = probe[key].integer(); v < 0)
      return out_of(0, v, INT32_MAX, at + "." + key);
  if (probe.has("timeoutSeconds") && probe["periodSeconds"].integer(1) != 0 &&
      probe["timeoutSeconds"].integer() < 1)
    return out_of(1, probe["timeoutSeconds"].integer(), INT32_MAX, at + ".timeoutSeconds");
  return {};
}

Status check_port(const json::Value& container, const std::string& at) {
  if (container["ports"].size() > 1)
    return refusal("more than one container port is set: " + at +
                   ".ports\nOnly a single port is allowed across all containers");
  const json::Value& port = container["ports"][0];
  const std::string& name = port["name"].str();
  if (!name.empty() && name != "h2c" && name != "http1" && name != "http2" && name != "http")
    return invalid(name, at + ".ports[0].name", "Port name must be one of: h2c, http1");
  const int64_t number = port["containerPort"].integer();
  for (int64_t reserved : kReservedPorts)
    if (number == reserved)
      return invalid(str(number), at + ".ports[0].containerPort",
                     str(number, " is a reserved port"));
  if (port.is_object() && (number < 1 || number > 65535))
    return out_of(1, number, 65535, at + ".ports[0].containerPort");
  if (port.has("hostPort")) return disallowed(at + ".ports[0].hostPort");
  return {};
}

class SpecCheck {
 public:
  SpecCheck(const json::Value& spec, const std::string& path, const Policy& policy)
      : spec_(spec), path_(path), policy_(policy) {}

  Status run() {
    TRY_STATUS(check_fields(spec_, path_, policy_));
    TRY_STATUS(check_volumes(spec_, path_, policy_, volumes_));
    TRY_STATUS(containers());
    TRY_STATUS(init_containers());
    const json::Array& volumes = spec_["volumes"].array();
    for (size_t i = 0; i < volumes.size(); ++i)
      if (!mounted_.count(volumes[i]["name"].str()))
        return refusal(str("volume with name \"", volumes[i]["name"].str(),
                           "\" not mounted: ", path_, ".volumes[", i, "].name"));
    return limits();
  }

 private:
  Status containers() {
    const json::Array& all = spec_["containers"].array();
    if (all.empty()) return missing(path_ + ".containers");
    int serving = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string at = str(path_, ".containers[", i, "]");
      TRY_STATUS(container(all[i], at));
      TRY_STATUS(check_port(all[i], at));
      serving += all[i]["ports"].size() == 1;
      for (const char* probe : {"readinessProbe", "livenessProbe", "startupProbe"})
        TRY_STATUS(check_probe(all[i][probe], str(at, ".", probe)));
    }
    if (serving > 1)
      return refusal("more than one container port is set: " + path_ +
                     ".containers[*].ports\nOnly a single port is allowed across all containers");
    if (all.size() > 1 && serving == 0) return missing(path_ + ".containers[*].ports");
    return {};
  }

  Status init_containers() {
    const json::Array& all = spec_["initContainers"].array();
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string at = str(path_, ".initContainers[", i, "]");
      TRY_STATUS(container(all[i], at));
      const bool sidecar = all[i]["restartPolicy"].str() == "Always";
      for (const char* field : {"livenessProbe", "readinessProbe", "ports"})
        if (given(all[i], field) && !sidecar) return disallowed(str(at, ".", field));
    }
    return {};
  }

  Status container(const json::Value& c, const std::string& at) {
    if (c["image"].str().empty()) return missing(at + ".image");
    const std::string& name = c["name"].str();
    if (name == "queue-proxy")
      return refusal("\"queue-proxy\" is a reserved container name: " + at + ".name");
    if (!name.empty() && !names_.insert(name).second)
      return refusal(str("duplicate container name \"", name, "\": ", at, ".name"));
    for (const char* field : {"stdin", "stdinOnce", "tty", "volumeDevices", "resizePolicy"})
      if (given(c, field)) return disallowed(str(at, ".", field));
    TRY_STATUS(check_env(c, at, policy_));
    return check_mounts(c, at, volumes_, mounted_);
  }

  Status limits() {
    const Defaults& d = policy_.defaults;
    const int64_t concurrency = spec_["containerConcurrency"].integer();
    const int64_t least = d.allow_concurrency_zero ? 0 : 1;
    if (concurrency < least || concurrency > d.max_concurrency)
      return out_of(least, concurrency, d.max_concurrency, path_ + ".containerConcurrency");
    const int64_t timeout = spec_["timeoutSeconds"].integer(d.timeout);
    if (timeout < 0 || timeout > d.max_timeout)
      return out_of(0, timeout, d.max_timeout, path_ + ".timeoutSeconds");
    for (const char* key : {"responseStartTimeoutSeconds", "idleTimeoutSeconds"})
      if (const int64_t v = spec_[key].integer(); v < 0 || (timeout > 0 && v > timeout))
        return out_of(0, v, timeout, str(path_, ".", key));
    return {};
  }

  const json::Value& spec_;
  const std::string& path_;
  const Policy& policy_;
  std::set<std::string> names_, volumes_, mounted_;
};

}  // namespace

Error refusal(std::string text) {
  return error(
      Code::kInvalid,
      str("admission webhook \"validation.webhook.serving.knative.dev\" denied the request: "
          "validation failed: ",
          text));
}

Status check_revision_spec(const json::Value& spec, const std::string& path, const Policy& policy) {
  return SpecCheck(spec, path, policy).run();
}

}  // namespace proa::knative
