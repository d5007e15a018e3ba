#include "platform/node/context.h"

#include "foundation/base/strings.h"

namespace proa::node {

void NodeContext::event(const client::Object& pod, const char* type, const char* reason,
                        std::string message) {
  events.push_back({pod, type, reason, std::move(message)});
  if (flush_planned) return;
  flush_planned = true;
  loop.after(std::chrono::milliseconds(5), [this, still = std::weak_ptr<bool>(alive)] {
    if (!still.expired()) flush_events();
  });
}

void NodeContext::flush_events() {
  flush_planned = false;
  for (const PendingEvent& e : std::exchange(events, {}))
    client::record_event(client, *e.pod, "kubelet", e.type, e.reason, e.message);
}

std::string NodeContext::pod_log_dir(const json::Value& pod) const {
  const json::Value& meta = pod["metadata"];
  return str(options.data_dir, "/logs/pods/", meta["namespace"].str(), "_", meta["name"].str(), "_",
             meta["uid"].str());
}

std::string NodeContext::log_dir(const json::Value& pod, const std::string& container) const {
  return str(pod_log_dir(pod), "/", container);
}

}  // namespace proa::node
