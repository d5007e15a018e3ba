// What the workload controllers share: selectors, facts about pods, hashes for names, status
// writes.
//
// Used inside platform/workloads. Pure unless a client::Client is among the arguments; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "foundation/base/clock.h"
#include "foundation/json/value.h"

namespace proa::workloads {

using client::Object;

// A LabelSelector (matchLabels, matchExpressions) in list syntax: "a=b,c in (x,y),!d".
std::string selector_text(const json::Value& label_selector);
// A plain map of labels (a Service's selector) in list syntax.
std::string labels_text(const json::Value& labels);
// Does a LabelSelector choose these labels? An empty one chooses nothing here.
bool selects(const json::Value& label_selector, const json::Value& labels);
bool has_labels(const json::Value& labels, const json::Value& wanted);
// The same for a plain map as selector; an empty one chooses nothing.
bool map_selects(const json::Value& selector, const json::Value& labels);

bool pod_finished(const json::Value& pod);  // Succeeded or Failed
bool pod_active(const json::Value& pod);    // neither finished nor being deleted
bool pod_ready(const json::Value& pod);
// Ready for at least that long at `now`; else, if ready, *wait is how much is missing.
bool pod_available(const json::Value& pod, int64_t min_ready_seconds, WallTime now,
                   std::optional<Duration>* wait = nullptr);
int64_t restarts(const json::Value& pod);  // of all containers

// Text safe in names, of letters and digits that make no words; the same input, the same text.
std::string name_hash(std::string_view input, size_t length = 10);

std::optional<WallTime> time_at(const json::Value& object, std::string_view key);
const std::string& name_of(const json::Value& object);
const std::string& namespace_of(const json::Value& object);
bool controlled_by(const json::Value& object, const json::Value& owner);
int64_t generation_of(const json::Value& object);

// {apiVersion, kind, metadata: {name, namespace}} of a kind.
json::Value shell_of(const client::Kind& kind, std::string_view ns, std::string_view name);

// Applies `status` to the status subresource unless the object has exactly that already.
Status write_status(client::Client& client, const client::Kind& kind, const json::Value& object,
                    json::Value status, std::string_view manager);

// A status whose zero counts are left out, as Kubernetes leaves them out.
void set_count(json::Value& status, std::string_view key, int64_t count);

Status ignore_not_found(Status status);

// Pods of a namespace that this selector text chooses; reads that fail are passed up.
Result<std::vector<Object>> list_pods(const client::Client& client, std::string_view ns,
                                      std::string_view selector);

}  // namespace proa::workloads
