#include "platform/node/registration.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::node {

namespace {
constexpr const char* kLeaseNamespace = "kube-node-lease";

std::string first_line(const char* path) {
  std::string text = read_file(path, 4096).value_or("");
  return std::string(trim(std::string_view(text).substr(0, text.find('\n'))));
}

std::string pretty_os() {
  std::string text = read_file("/etc/os-release", 65536).value_or("");
  for (auto line : split(text, '\n'))
    if (line.starts_with("PRETTY_NAME=")) {
      line.remove_prefix(12);
      if (line.size() >= 2 && line.front() == '"') line = line.substr(1, line.size() - 2);
      return std::string(line);
    }
  return "Linux";
}

std::string isolation_message(const std::string& isolation) {
  if (isolation == "namespaces")
    return "pods run in mount, process, host name and IPC namespaces under user ids of their own";
  if (isolation == "user-namespace")
    return "pods run in user, mount and process namespaces under this user's id";
  if (isolation == "landlock")
    return "no namespaces to be had: pods are held by Landlock and seccomp";
  return "no namespaces and no Landlock to be had: pods are held by seccomp only";
}

json::Value resources(const NodeOptions& o, const Machine& m) {
  double cpus = o.cpu > 0 ? o.cpu : m.cpus;
  uint64_t memory = o.memory_bytes ? o.memory_bytes : m.memory_bytes;
  return json::object({{"cpu", str(cpus)},
                       {"memory", str(memory / 1024, "Ki")},
                       {"pods", str(o.most_pods)},
                       {"ephemeral-storage", "0"}});
}
}  // namespace

Machine read_machine() {
  Machine m;
  m.cpus = static_cast<double>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  struct sysinfo info {};
  if (::sysinfo(&info) == 0) m.memory_bytes = static_cast<uint64_t>(info.totalram) * info.mem_unit;
  utsname names{};
  ::uname(&names);
  m.hostname = names.nodename;
  m.kernel = names.release;
  m.architecture = std::string_view(names.machine) == "x86_64"    ? "amd64"
                   : std::string_view(names.machine) == "aarch64" ? "arm64"
                                                                  : names.machine;
  m.os_image = pretty_os();
  m.machine_id = first_line("/etc/machine-id");
  m.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  return m;
}

json::Value node_object(const NodeOptions& o, const std::string& isolation,
                        const std::string& limits) {
  json::Value labels =
      json::object({{"kubernetes.io/hostname", o.name}, {"kubernetes.io/os", "linux"}});
  labels.set("node-role.kubernetes.io/control-plane", "");
  json::Value annotations =
      json::object({{"proa.dev/isolation", isolation}, {"proa.dev/resource-limits", limits}});
  json::Value node = json::object({{"apiVersion", "v1"}, {"kind", "Node"}});
  node.set("metadata",
           json::object({{"name", o.name}, {"labels", labels}, {"annotations", annotations}}));
  node.set("spec", json::object({{"podCIDR", o.pod_cidr},
                                 {"podCIDRs", json::array({o.pod_cidr})},
                                 {"providerID", "proa://" + o.name}}));
  return node;
}

json::Value node_status(const NodeOptions& o, const Machine& m, const std::string& isolation,
                        const std::string& limits, const json::Value& before,
                        const std::string& now) {
  json::Value status =
      json::object({{"capacity", resources(o, m)}, {"allocatable", resources(o, m)}});
  status.set("addresses",
             json::array({json::object({{"type", "InternalIP"}, {"address", o.host_ip}}),
                          json::object({{"type", "Hostname"}, {"address", o.name}})}));
  json::Value conditions = before["conditions"];
  auto set = [&](const char* type, const char* value, const char* reason, std::string message) {
    client::set_condition(conditions, {type, value, reason, std::move(message), ""}, now);
  };
  set("MemoryPressure", "False", "KubeletHasSufficientMemory",
      "kubelet has sufficient memory available");
  set("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure");
  set("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available");
  set("Ready", "True", "KubeletReady", "kubelet is posting ready status");
  bool full = isolation == "namespaces" || isolation == "user-namespace";
  set("PodIsolation", full ? "True" : "False", full ? "Namespaces" : "Reduced",
      str(isolation_message(isolation), "; limits: ", limits));
  status.set("conditions", std::move(conditions));
  status.set("nodeInfo", json::object({{"architecture", m.architecture},
                                       {"bootID", m.boot_id},
                                       {"containerRuntimeVersion", "proa://0.1"},
                                       {"kernelVersion", m.kernel},
                                       {"kubeProxyVersion", ""},
                                       {"kubeletVersion", "v1.32.0+proa"},
                                       {"machineID", m.machine_id},
                                       {"operatingSystem", "linux"},
                                       {"osImage", m.os_image},
                                       {"systemUUID", m.machine_id}}));
  status.set("daemonEndpoints", json::object({{"kubeletEndpoint", json::object({{"Port", 0}})}}));
  return status;
}

json::Value node_lease(const std::string& name, WallTime now) {
  json::Value lease = json::object({{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}});
  lease.set("metadata", json::object({{"name", name}, {"namespace", kLeaseNamespace}}));
  lease.set("spec", json::object({{"holderIdentity", name},
                                  {"leaseDurationSeconds", 40},
                                  {"renewTime", rfc3339(now, true)}}));
  return lease;
}

void register_node(NodeContext& c, const Machine& machine, const std::string& limits) {
  std::string isolation = to_string(c.zygote.isolation());
  auto applied =
      c.client.apply(api::kNode, node_object(c.options, isolation, limits), {"kubelet", ""});
  if (!applied.ok())
    return log::error("node", "node not registered", {{"error", applied.error().message}});
  json::Value status =
      node_status(c.options, machine, isolation, limits, (**applied)["status"], c.now());
  json::Value object = json::object({{"apiVersion", "v1"}, {"kind", "Node"}, {"status", status}});
  object.set("metadata", json::object({{"name", c.options.name}}));
  auto done = c.client.apply(api::kNode, std::move(object), {"kubelet", "status"});
  if (!done.ok()) log::error("node", "node status not written", {{"error", done.error().message}});
  renew_lease(c);
}

void renew_lease(NodeContext& c) {
  json::Value lease = node_lease(c.options.name, c.loop.clock().wall());
  auto done = c.client.apply(api::kLease, lease, {"kubelet", ""});
  if (!done.ok() && done.error().code == Code::kNotFound) {
    auto made = c.client.create(
        api::kNamespace, json::object({{"apiVersion", "v1"},
                                       {"kind", "Namespace"},
                                       {"metadata", json::object({{"name", kLeaseNamespace}})}}));
    if (made.ok()) done = c.client.apply(api::kLease, std::move(lease), {"kubelet", ""});
  }
  if (!done.ok()) log::warn("node", "lease not renewed", {{"error", done.error().message}});
}

}  // namespace proa::node
