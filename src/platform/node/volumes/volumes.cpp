#include "platform/node/volumes/volumes.h"

#include <sys/stat.h>
#include <unistd.h>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/node/volumes/payload.h"

namespace proa::node {

namespace {
// Everybody in the pod may write, whatever id it runs under.
Status make_shared(const std::string& path) {
  TRY_STATUS(make_dirs(path));
  if (::chmod(path.c_str(), 0777) != 0) return errno_error(str("chmod ", path));
  return {};
}

std::string memory_dir(const std::string& uid) { return "/dev/shm/proa-" + uid; }

Lookup lookup_in(client::Client& client, const std::string& ns) {
  return
      [&client, ns](const client::Kind& kind, const std::string& name) -> Result<client::Object> {
        auto found = client.get(kind, ns, name);
        if (!found.ok() && found.error().code == Code::kNotFound)
          return error(Code::kNotFound, str(lower(kind.kind), " \"", name, "\" not found"));
        return found;
      };
}
}  // namespace

std::string Volumes::pod_dir(const std::string& uid) const { return str(data_dir_, "/pods/", uid); }

Result<VolumeMap> Volumes::set_up(const json::Value& pod, const PodFacts& facts,
                                  const std::function<void(std::string)>& warn) {
  VolumeMap out;
  for (const auto& volume : pod["spec"]["volumes"].array()) {
    const std::string& name = volume["name"].str();
    auto made = set_up_one(pod, facts, volume, warn);
    if (!made.ok())
      return error(made.error().code, str("MountVolume.SetUp failed for volume \"", name,
                                          "\" : ", made.error().message));
    out[name] = std::move(made).value();
  }
  return out;
}

Result<VolumeSource> Volumes::set_up_one(const json::Value& pod, const PodFacts& facts,
                                         const json::Value& v,
                                         const std::function<void(std::string)>& warn) {
  const std::string &uid = client::uid_of(pod), &name = v["name"].str(),
                    &ns = pod["metadata"]["namespace"].str();
  if (is_payload_volume(v)) {
    std::string dir = str(pod_dir(uid), "/volumes/", name);
    TRY(Payload payload, volume_payload({pod, facts, lookup_in(client_, ns), warn}, v));
    TRY_STATUS(write_payload(dir, payload));
    return VolumeSource{dir, true};
  }
  if (v.has("persistentVolumeClaim")) return claim(ns, v["persistentVolumeClaim"]);
  if (v.has("hostPath")) return host_path(v["hostPath"]);
  if (v.has("emptyDir") || v.size() <= 1) return empty_dir(uid, name, v["emptyDir"]);
  for (const auto& [source, value] : v.object())
    if (source != "name")
      return error(Code::kUnimplemented,
                   str("volume source ", source, " is not supported on this node"));
  return error(Code::kInvalid, "volume has no source");
}

Result<VolumeSource> Volumes::empty_dir(const std::string& uid, const std::string& name,
                                        const json::Value& source) {
  std::string dir = str(pod_dir(uid), "/volumes/", name);
  if (source["medium"].str() == "Memory" && ::access("/dev/shm", W_OK) == 0) {
    TRY_STATUS(make_dirs(memory_dir(uid)));
    dir = str(memory_dir(uid), "/", name);
  }
  TRY_STATUS(make_shared(dir));
  return VolumeSource{dir, false};
}

Result<VolumeSource> Volumes::host_path(const json::Value& source) {
  const std::string &path = source["path"].str(), &type = source["type"].str();
  if (path.empty() || path[0] != '/')
    return error(Code::kInvalid, str("hostPath \"", path, "\" is not absolute"));
  struct stat info {};
  bool there = ::stat(path.c_str(), &info) == 0;
  if (!there && type == "DirectoryOrCreate") TRY_STATUS(make_dirs(path));
  if (!there && type == "FileOrCreate") TRY_STATUS(write_file(path, "", 0644));
  if (!there && type != "DirectoryOrCreate" && type != "FileOrCreate")
    return error(Code::kNotFound, str("hostPath type check failed: ", path, " does not exist"));
  if (there && type == "Directory" && !S_ISDIR(info.st_mode))
    return error(Code::kInvalid, str("hostPath type check failed: ", path, " is not a directory"));
  if (there && type == "File" && !S_ISREG(info.st_mode))
    return error(Code::kInvalid, str("hostPath type check failed: ", path, " is not a file"));
  return VolumeSource{path, false};
}

Result<VolumeSource> Volumes::claim(const std::string& ns, const json::Value& source) {
  const std::string& name = source["claimName"].str();
  bool read_only = source["readOnly"].boolean();
  auto found = client_.get(api::kPersistentVolumeClaim, ns, name);
  if (!found.ok()) {
    if (found.error().code != Code::kNotFound) return found.error();
    return error(Code::kNotFound, str("persistentvolumeclaim \"", name, "\" not found"));
  }
  const std::string& volume = (**found)["spec"]["volumeName"].str();
  if (!volume.empty()) {
    auto pv = client_.get(api::kPersistentVolume, "", volume);
    if (pv.ok() && (**pv)["spec"].has("hostPath")) {
      TRY(VolumeSource host, host_path((**pv)["spec"]["hostPath"]));
      host.read_only = read_only;
      return host;
    }
    if (pv.ok() && (**pv)["spec"].has("local"))
      return VolumeSource{(**pv)["spec"]["local"]["path"].str(), read_only};
  }
  std::string dir = str(data_dir_, "/volumes/", ns, "/", name);
  TRY_STATUS(make_shared(dir));
  return VolumeSource{dir, read_only};
}

void Volumes::refresh(const json::Value& pod, const PodFacts& facts) {
  for (const auto& v : pod["spec"]["volumes"].array()) {
    if (!is_payload_volume(v)) continue;
    auto made = set_up_one(pod, facts, v, [](std::string) {});
    if (!made.ok())
      log::debug("node", "volume not refreshed",
                 {{"volume", v["name"].str()}, {"error", made.error().message}});
  }
}

void Volumes::tear_down(const std::string& uid) {
  if (uid.empty()) return;
  for (const std::string& dir : {pod_dir(uid), memory_dir(uid)})
    if (auto s = remove_tree(dir); !s.ok())
      log::warn("node", "pod folder not removed", {{"error", s.error().message}});
}

}  // namespace proa::node
