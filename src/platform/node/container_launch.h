// From a container's spec to a Launch: program, environment, mounts, ids, limits.
//
// Pure but for reads of API objects and of the disk. Used by Container.
#pragma once

#include "platform/node/context.h"

namespace proa::node {

// What the containers of one pod have in common.
struct PodView {
  client::Object pod;
  std::string ip;
  PodFacts facts;
  VolumeMap volumes;
  uint32_t uid = 65534;  // the pod's own, unless its securityContext says another
  bool fetches = false;  // an init container runs `proa fetch`: the model cache is shown
};

// Errors: kUnimplemented and kNotFound mean ErrImagePull, everything else
// CreateContainerConfigError.
Result<Launch> make_launch(NodeContext& context, const PodView& view, const json::Value& container,
                           const ImageUse& use, const std::string& termination_file);

// What a container without a program is told.
std::string no_program_message(const std::string& image);

}  // namespace proa::node
