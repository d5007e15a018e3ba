#include "platform/node/container_launch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "platform/node/decisions/environment.h"
#include "platform/node/interpreter.h"

namespace proa::node {

namespace {
constexpr uint32_t kFetchUid = 199999;  // owns the model cache
constexpr const char* kPath =
    "/proa/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool fetches(const ImageUse& use) {
  return use.kind == ImageUse::Kind::kNative && use.program == "proa fetch";
}

Environment base_environment(const NodeContext& c, const PodView& view, const ImageUse& use) {
  const std::string &host = c.options.kubernetes_host, &port = c.options.kubernetes_port;
  Environment env = {{"PATH", kPath},
                     {"HOSTNAME", (*view.pod)["metadata"]["name"].str()},
                     {"HOME", "/tmp"},
                     {"POD_IP", view.ip},
                     {"KUBERNETES_SERVICE_HOST", host},
                     {"KUBERNETES_SERVICE_PORT", port},
                     {"KUBERNETES_SERVICE_PORT_HTTPS", port},
                     {"KUBERNETES_PORT", str("tcp://", host, ":", port)}};
  if (view.fetches) env.emplace_back("PROA_MODEL_CACHE", kModelCachePath);
  if (fetches(use)) {
    env.insert(env.end(), c.options.fetch_env.begin(), c.options.fetch_env.end());
    std::string mirrors;
    for (const auto& [prefix, dir] : c.options.mirrors)
      mirrors += str(mirrors.empty() ? "" : ";", prefix, "=", dir);
    if (!mirrors.empty()) env.emplace_back("PROA_MIRRORS", mirrors);
    // All pods of a revision serve the same version of the model, and only the first one asks for
    // it.
    const json::Value& meta = (*view.pod)["metadata"];
    const std::string& revision = meta["labels"]["serving.knative.dev/revision"].str();
    if (!revision.empty())
      env.emplace_back("PROA_MODEL_PIN", str(meta["namespace"].str(), "/", revision));
  }
  return env;
}

Status add_volume_mounts(Launch& launch, const PodView& view, const json::Value& container,
                         const Environment& env) {
  std::map<std::string, std::string> values(env.begin(), env.end());
  for (const auto& m : container["volumeMounts"].array()) {
    auto volume = view.volumes.find(m["name"].str());
    if (volume == view.volumes.end())
      return error(Code::kInvalid, str("volume \"", m["name"].str(), "\" is not defined"));
    Mount mount;
    mount.source = volume->second.path;
    mount.sub_path = m["subPath"].str();
    if (m.has("subPathExpr")) mount.sub_path = expand_references(m["subPathExpr"].str(), values);
    mount.target = m["mountPath"].str();
    if (mount.target.empty() || mount.target[0] != '/') mount.target = "/" + mount.target;
    mount.read_only = volume->second.read_only || m["readOnly"].boolean();
    launch.mounts.push_back(std::move(mount));
  }
  return {};
}

void add_cache_mounts(Launch& launch, NodeContext& c, const PodView& view, const ImageUse& use) {
  if (!view.fetches) return;
  std::string cache = c.options.data_dir + "/models";
  if (!make_dirs(cache).ok()) return;
  if (c.zygote.isolation() == Isolation::kRoot) (void)!::chown(cache.c_str(), kFetchUid, kFetchUid);
  // The model's folder may hold links into the cache, so whoever sees the one sees the other.
  launch.mounts.push_back({Mount::Kind::kBind, cache, "", kModelCachePath, !fetches(use), 0});
  if (!fetches(use)) return;
  for (const auto& [prefix, dir] : c.options.mirrors)
    if (exists(dir)) launch.mounts.push_back({Mount::Kind::kBind, dir, "", dir, true, 0});
}

void add_files(Launch& launch, const NodeContext& c, const PodView& view) {
  const std::string &domain = c.options.cluster_domain,
                    &name = (*view.pod)["metadata"]["name"].str(),
                    &ns = (*view.pod)["metadata"]["namespace"].str();
  const json::Value& spec = (*view.pod)["spec"];
  launch.hostname = spec["hostname"].str_or(name).substr(0, 63);
  std::string hosts =
      str("# Kubernetes-managed hosts file.\n"
          "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n",
          view.ip, "\t", launch.hostname, "\n");
  for (const auto& alias : spec["hostAliases"].array()) {
    hosts += alias["ip"].str();
    for (const auto& h : alias["hostnames"].array()) hosts += "\t" + h.str();
    hosts += "\n";
  }
  std::string resolv = spec["dnsPolicy"].str() == "Default"
                           ? read_file("/etc/resolv.conf", 65536).value_or("")
                           : str("nameserver ", c.options.dns_address, "\nsearch ", ns, ".svc.",
                                 domain, " svc.", domain, " ", domain, "\noptions ndots:5\n");
  launch.files.emplace_back("/etc/resolv.conf", std::move(resolv));
  launch.files.emplace_back("/etc/hosts", std::move(hosts));
  launch.files.emplace_back("/etc/hostname", launch.hostname + "\n");
}

Status set_user(Launch& launch, const PodView& view, const json::Value& container,
                const ImageUse& use) {
  const json::Value &own = container["securityContext"],
                    &pod = (*view.pod)["spec"]["securityContext"];
  auto setting = [&](const char* key) -> const json::Value& {
    return own.has(key) ? own[key] : pod[key];
  };
  launch.uid = launch.gid = fetches(use) ? kFetchUid : view.uid;
  if (fetches(use)) {
    launch.read_all = true;  // mirrors and file:// folders belong to whoever made them
    return {};
  }
  const json::Value& user = setting("runAsUser");
  if (user.is_int() && user.integer() == 0) {
    if (setting("runAsNonRoot").boolean())
      return error(Code::kInvalid, "container's runAsUser breaks non-root policy");
    launch.root_inside = true;  // root to itself, the pod's own id to the machine
  } else if (user.is_int()) {
    launch.uid = static_cast<uint32_t>(user.integer());
    launch.gid = launch.uid;
  }
  if (!launch.root_inside && setting("runAsGroup").is_int())
    launch.gid = static_cast<uint32_t>(setting("runAsGroup").integer());
  if (pod["fsGroup"].is_int())
    launch.groups.push_back(static_cast<uint32_t>(pod["fsGroup"].integer()));
  for (const auto& g : pod["supplementalGroups"].array())
    launch.groups.push_back(static_cast<uint32_t>(g.integer()));
  return {};
}

void set_limits(Launch& launch, const json::Value& container) {
  const json::Value &limits = container["resources"]["limits"],
                    &requests = container["resources"]["requests"];
  launch.memory_bytes = static_cast<uint64_t>(std::max(quantity(limits["memory"]), 0.0));
  launch.cpu_millis =
      static_cast<uint64_t>(std::ceil(std::max(quantity(limits["cpu"]), 0.0) * 1000));
  double shares = quantity(requests["cpu"], quantity(limits["cpu"], 0));
  launch.cpu_shares_millis = static_cast<uint64_t>(std::ceil(std::max(shares, 0.0) * 1000));
}

std::string self_path() {
  char path[4096];
  ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : "";
}

void add_tool(Launch& launch, const NodeContext& c, const std::string& tool) {
  std::string binary = c.options.tool_binary.empty() ? self_path() : c.options.tool_binary;
  launch.mounts.push_back({Mount::Kind::kBind, binary, "", "/proa/bin/proa", true, 0});
  launch.links.emplace_back("/proa/bin/" + tool, "proa");
  if (launch.argv[0].ends_with("/" + tool)) launch.argv[0] = tool;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

// A program over the host's files listens on its pod's address where it says "all": see preload/.
void add_preload(Launch& launch, const NodeContext& c, const Environment& env) {
  constexpr const char* kInside = "/proa/lib/libproa-pod.so";
  if (!launch.native.empty() && !launch.may_execute) return;
  for (const auto& [name, value] : env)
    if (name == "LD_PRELOAD") return;
  std::string program = c.options.tool_binary.empty() ? self_path() : c.options.tool_binary;
  for (const char* at : {"/libproa-pod.so", "/../lib/libproa-pod.so"}) {
    std::string library = folder_of(program) + at;
    if (!exists(library)) continue;
    launch.mounts.push_back({Mount::Kind::kBind, library, "", kInside, true, 0});
    launch.env.push_back(str("LD_PRELOAD=", kInside));
    return;
  }
}

// What `proa serve` needs to know of its place: where the engines' libraries are, and how many
// threads they may have where no control group says it.
void add_serving(Launch& launch, const NodeContext& c, const ImageUse& use) {
  if (use.kind != ImageUse::Kind::kNative || use.program != "proa serve") return;
  if (launch.cpu_millis != 0) launch.env.push_back(str("PROA_CPU_LIMIT=", launch.cpu_millis, "m"));
  if (c.options.engines_dir.empty() || !exists(c.options.engines_dir)) return;
  launch.env.push_back(str("PROA_ENGINES_DIR=", kEnginesPath));
  launch.mounts.push_back({Mount::Kind::kBind, c.options.engines_dir, "", kEnginesPath, true, 0});
}

// MLServer's runtimes of a user's own are Python code, and the model server becomes the interpreter
// that PROA_PYTHON names: the container's own variable, or the node's where the container is
// MLServer's. Other model servers start no programs.
void add_interpreter(Launch& launch, const NodeContext& c, const json::Value& container,
                     const ImageUse& use, const Environment& env) {
  if (use.kind != ImageUse::Kind::kNative || use.program != "proa serve") return;
  bool mlserver = contains(image_name(container["image"].str()), "mlserver"), given = false;
  for (const auto& [name, value] : env) {
    mlserver |= name.starts_with("MLSERVER_");
    given |= name == "PROA_PYTHON" && !value.empty();
  }
  if (!given && (!mlserver || c.options.python.empty())) return;
  launch.may_execute = true;
  if (given) return;  // what it needs are volumes of the pod
  launch.env.push_back(str("PROA_PYTHON=", c.options.python));
  for (const std::string& folder : interpreter_folders(c.options.python))
    launch.mounts.push_back({Mount::Kind::kBind, folder, "", folder, true, 0});
}

// Without a mount namespace a native program finds its volumes where they are on the host.
void translate_paths(Launch& launch) {
  auto translate = [&](std::string& text) {
    for (const Mount& m : launch.mounts) {
      size_t at = text.find(m.target);
      size_t end = at == text.npos ? at : at + m.target.size();
      if (at == text.npos || (at > 0 && text[at - 1] != '=') ||
          (end < text.size() && text[end] != '/'))
        continue;
      text = text.substr(0, at) + m.source + (m.sub_path.empty() ? "" : "/" + m.sub_path) +
             text.substr(end);
      return;
    }
  };
  for (auto& a : launch.argv) translate(a);
  for (auto& e : launch.env) translate(e);
}

// A program that is executed looks for its volumes by path: without a mount namespace they are not
// there, and it would run on without them.
Status check_plain(const Launch& launch, const json::Value& container) {
  const json::Array& volumes = container["volumeMounts"].array();
  if (!launch.native.empty() || volumes.empty()) return {};
  return error(Code::kUnimplemented,
               str("this node cannot show volumes to a program over the host's files (",
                   volumes[0]["mountPath"].str(),
                   "): the system lets it make no mount namespace. Run `proa up` as root, or where "
                   "user namespaces are allowed (sysctl kernel.unprivileged_userns_clone=1)"));
}

Status set_program(Launch& launch, const NodeContext& c, const json::Value& container,
                   const ImageUse& use, const Environment& env) {
  auto command = expand_list(container["command"], env), args = expand_list(container["args"], env);
  if (use.kind == ImageUse::Kind::kNative) {
    launch.native = use.program;
    launch.argv = {use.program};  // the image's entry point; a command of the pod's replaces it
    launch.argv.insert(launch.argv.end(), use.args.begin(), use.args.end());
    if (!command.empty()) launch.argv.insert(launch.argv.end(), command.begin() + 1, command.end());
  } else {
    launch.host_root = true;
    launch.argv = command;
    if (launch.argv.empty() && !use.program.empty()) launch.argv = {use.program};
    if (launch.argv.empty())
      return error(Code::kUnimplemented, str("image \"", container["image"].str(),
                                             "\" runs over the host's own files on this node, "
                                             "which has no entry point: set `command`"));
  }
  launch.argv.insert(launch.argv.end(), args.begin(), args.end());
  if (use.kind == ImageUse::Kind::kSandbox && !use.program.empty())
    add_tool(launch, c, use.program);
  return {};
}
}  // namespace

std::string no_program_message(const std::string& image) {
  return str(
      "no program for image \"", image,
      "\" on this node. Tried: the native image table (ConfigMap native-images in namespace "
      "kserve): "
      "no pattern matches; an OCI runtime: not supported by this version; the sandbox over the "
      "host's files: not in that table either. Add a line \"",
      image_name(image),
      " => sandbox\" to the ConfigMap to run the container's command with the host's programs");
}

Result<Launch> make_launch(NodeContext& c, const PodView& view, const json::Value& container,
                           const ImageUse& use, const std::string& termination_file) {
  const json::Value& pod = *view.pod;
  const std::string& ns = pod["metadata"]["namespace"].str();
  Lookup lookup = [&](const client::Kind& kind, const std::string& name) -> Result<client::Object> {
    auto found = c.client.get(kind, ns, name);
    if (!found.ok() && found.error().code == Code::kNotFound)
      return error(Code::kInvalid, str(lower(kind.kind), " \"", name, "\" not found"));
    return found;
  };
  TRY(Environment env,
      container_environment(pod, container, view.facts, base_environment(c, view, use), lookup));
  Launch launch;
  launch.id = str(container["name"].str(), "-", ++c.next_id);
  TRY_STATUS(set_program(launch, c, container, use, env));
  for (const auto& [name, value] : env) launch.env.push_back(str(name, "=", value));
  launch.cwd = container["workingDir"].str_or("/");
  TRY_STATUS(add_volume_mounts(launch, view, container, env));
  add_cache_mounts(launch, c, view, use);
  std::string message = container["terminationMessagePath"].str_or("/dev/termination-log");
  launch.mounts.push_back({Mount::Kind::kBind, termination_file, "", message, false, 0});
  // Outer folders first, so that inner ones are mounted into them.
  std::stable_sort(launch.mounts.begin(), launch.mounts.end(), [](const Mount& a, const Mount& b) {
    return a.target.size() < b.target.size();
  });
  add_files(launch, c, view);
  TRY_STATUS(set_user(launch, view, container, use));
  set_limits(launch, container);
  add_serving(launch, c, use);
  add_interpreter(launch, c, container, use, env);
  add_preload(launch, c, env);
  if (c.zygote.isolation() == Isolation::kPlain) {
    TRY_STATUS(check_plain(launch, container));
    translate_paths(launch);
  }
  return launch;
}

}  // namespace proa::node
