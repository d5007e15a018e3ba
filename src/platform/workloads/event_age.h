// Events end an hour after they were last seen, as kube-apiserver's do.
#pragma once

#include "client/controller.h"

namespace proa::workloads {

// client and clock must outlive the host that runs it.
client::ControllerSpec event_age_controller(client::Client& client, Clock& clock);

}  // namespace proa::workloads
