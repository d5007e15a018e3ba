// imagePullSecrets at a pod whose model comes from a registry (oci://): the storage initializer
// signs in with them, as a kubelet would for an image.
//
// Used by the pod mutator. Reads the ServiceAccount and the Secrets through the client.
#pragma once

#include "client/client.h"

namespace proa::serving {

// The pod's own imagePullSecrets and those of its ServiceAccount, mounted as docker's config.json
// each; DOCKER_CONFIG of `init` names their folders, by ":". A Secret that does not exist is passed
// over, as Kubernetes does.
void add_pull_secrets(json::Value& pod, json::Value& init, const client::Client& client);

}  // namespace proa::serving
