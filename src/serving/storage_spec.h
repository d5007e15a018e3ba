// spec.predictor.model.storage at a pod: the entry of the Secret `storage-config` that says where
// the model is and how to get in.
//
// Used by the pod mutator. Reads the Secret through the client.
#pragma once

#include <string>

#include "client/client.h"
#include "serving/spec/config.h"

namespace proa::serving {

struct StorageSpec {
  bool used = false;       // the pod's annotations ask for it
  std::string key;         // of the Secret's entry, "" for none
  std::string parameters;  // JSON, "" for none
  std::string uri;         // the source with its scheme and bucket
  std::string secret;      // the Secret's name
  std::string ca_bundle;   // a ConfigMap, "" for none
};

// `uri` is the annotated source. Errors: kInvalid naming the key, the Secret or the type.
Result<StorageSpec> read_storage_spec(const json::Value& pod, const std::string& uri,
                                      const client::Client& client, const Config& config);

// STORAGE_CONFIG and STORAGE_OVERRIDE_CONFIG of the storage initializer.
void add_storage_env(json::Value& pod, json::Value& init, const StorageSpec& spec);

}  // namespace proa::serving
