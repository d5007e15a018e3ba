// The Secrets with which a pod's storage initializer signs in, as KServe finds them: the one that
// annotation serving.kserve.io/storageSecretName names, else those of the pod's ServiceAccount.
// Which store a Secret is for, its keys say.
//
// Used by the pod mutator. Reads ServiceAccount and Secrets through the client.
#pragma once

#include <string>

#include "client/client.h"
#include "serving/spec/config.h"

namespace proa::serving {

// Adds variables and mounts to `init`, and volumes to the pod. Errors: the annotation's Secret is
// not there.
Status add_credentials(json::Value& pod, json::Value& init, const client::Client& client,
                       const Config& config);

// A ConfigMap with cabundle.crt, as the bundle that the initializer trusts.
void trust_config_map(json::Value& pod, json::Value& init, const std::string& name);

}  // namespace proa::serving
