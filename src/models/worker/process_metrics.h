// Memory and CPU time of this process as metrics. Used by the model server's /metrics.
#pragma once

#include "foundation/obs/metrics.h"

namespace proa::models {

void update_process_metrics(metrics::Registry& registry);

}  // namespace proa::models
