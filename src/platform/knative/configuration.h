// Configuration: one Revision for each generation of its template, NAME-00001 and on. The plan and
// the status are pure.
#pragma once

#include <vector>

#include "client/controller.h"
#include "platform/knative/objects/objects.h"

namespace proa::knative {

std::string wanted_revision_name(const json::Value& configuration);
json::Value revision_of(const json::Value& configuration, WallTime now);

struct ConfigurationSnapshot {
  Object configuration;
  std::vector<Object> revisions;  // those it controls
  bool name_taken = false;        // the wanted name belongs to another's, or to other content
};
json::Value configuration_status(const ConfigurationSnapshot& snapshot, WallTime now);

// The newest revision that is ready; "" if none.
std::string latest_ready(const std::vector<Object>& revisions);

client::ControllerSpec configuration_controller(client::Client& client, Clock& clock);

}  // namespace proa::knative
