// Volumes: makes a pod's volumes on disk and says where they are mounted.
//
// Under DATA: pods/UID/volumes/NAME (emptyDir and payloads), volumes/NS/CLAIM (claims that no
// PersistentVolume with a hostPath backs). Blocking, but on local disks; node's loop thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "client/client.h"
#include "platform/node/volumes/fields.h"

namespace proa::node {

struct VolumeSource {
  std::string path;  // on the host
  bool read_only = false;
};
using VolumeMap = std::map<std::string, VolumeSource>;  // by the volume's name

class Volumes {
 public:
  Volumes(client::Client& client, std::string data_dir)
      : client_(client), data_dir_(std::move(data_dir)) {}

  // Makes or refreshes all volumes. The first error that keeps the pod from starting, in the
  // kubelet's words: MountVolume.SetUp failed for volume "x" : configmap "y" not found.
  Result<VolumeMap> set_up(const json::Value& pod, const PodFacts& facts,
                           const std::function<void(std::string)>& warn);

  // Rewrites those that come from API objects, if these have changed.
  void refresh(const json::Value& pod, const PodFacts& facts);

  std::string pod_dir(const std::string& uid) const;
  void tear_down(const std::string& uid);

 private:
  Result<VolumeSource> set_up_one(const json::Value& pod, const PodFacts& facts,
                                  const json::Value& volume,
                                  const std::function<void(std::string)>& warn);
  Result<VolumeSource> claim(const std::string& ns, const json::Value& source);
  Result<VolumeSource> host_path(const json::Value& source);
  Result<VolumeSource> empty_dir(const std::string& uid, const std::string& name,
                                 const json::Value& source);

  client::Client& client_;
  std::string data_dir_;
};

}  // namespace proa::node
