#include "platform/workloads/event_age.h"

#include "api/kinds.h"

namespace proa::workloads {

namespace {

constexpr Duration kMostAge = std::chrono::hours(1);

WallTime last_seen(const json::Value& event) {
  for (const std::string& text : {event["lastTimestamp"].str(), event["eventTime"].str(),
                                  event["metadata"]["creationTimestamp"].str()})
    if (auto time = parse_rfc3339(text)) return *time;
  return {};
}

}  // namespace

client::ControllerSpec event_age_controller(client::Client& client, Clock& clock) {
  auto reconcile = [&client, &clock](const client::Key& key) -> Result<client::Outcome> {
    auto event = client.get(api::kEvent, key.ns, key.name);
    if (!event.ok()) return client::Outcome{};
    Duration left = kMostAge - (clock.wall() - last_seen(**event));
    if (left.count() > 0) return client::Outcome{left};
    Status removed = client.remove(api::kEvent, key.ns, key.name);
    if (!removed.ok() && removed.error().code != Code::kNotFound) return std::move(removed).error();
    return client::Outcome{};
  };
  return {"event-age", {{api::kEvent, client::self()}}, reconcile};
}

}  // namespace proa::workloads
