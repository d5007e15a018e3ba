// modelStatus of an InferenceService: what the pods of its newest revision say about the model.
//
// Used by the status writer; pure. States: no pods → Pending; storage initializer running →
// Loading; it or kserve-container ended with an error → FailedToLoad with the cause; Ready →
// Loaded. On purpose unlike KServe: a service that is Ready and scaled to zero stays Loaded /
// UpToDate, and a cause is taken away once the model is loaded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "serving/spec/runtime.h"

namespace proa::serving {

struct Failure {
  std::string reason, message, location, time;
  int64_t exit_code = 0;
};

// The cause why this pod does not serve, if it says one: a container that ended with an error (its
// message's last line, "out of memory…" for OOMKilled), or one that cannot be started.
std::optional<Failure> failure_of(const json::Value& pod);

struct ModelInput {
  const json::Value* before = nullptr;  // status.modelStatus as stored
  std::vector<client::Object> pods;     // of the latest created revision
  std::string revision;                 // its name
  bool ready = false;                   // the InferenceService is Ready
  bool newest_serves = false;           // latest created revision == latest ready revision
  bool knative_failed = false;          // one of the Knative Service's conditions is False
};

json::Value model_status(const ModelInput& in);

// Condition ModelFetched (Info): how far the download is, then the digest of what the storage
// initializer brought; the one before where no pod says it. Empty type: nothing to say.
client::Condition model_fetched(const ModelInput& in, const json::Value& conditions_before);

// transitionStatus InvalidSpec with this reason.
json::Value invalid_model_status(const json::Value& before, const Refusal& refusal);

}  // namespace proa::serving
