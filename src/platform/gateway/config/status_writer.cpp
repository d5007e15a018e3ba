#include "platform/gateway/config/status_writer.h"

#include "foundation/base/clock.h"
#include "foundation/obs/log.h"

namespace proa::gateway {

using json::Value;

namespace {

const Value& same_entry(const Value& list, const Value& entry, size_t place) {
  for (const char* key : {"type", "name", "parentRef"}) {
    if (!entry.has(key)) continue;
    for (const Value& other : list.array())
      if (other[key] == entry[key]) return other;
    return Value()[key];  // null
  }
  return list[place];
}

// Nothing, or only empty lists.
bool is_empty(const Value& status) {
  for (const auto& [name, value] : status.object())
    if (!value.is_array() || value.size() > 0) return false;
  return true;
}

}  // namespace

void fill_times(Value& wanted, const Value& current, std::string_view now) {
  if (wanted.is_array()) {
    size_t place = 0;
    for (Value& entry : wanted.make_array()) {
      fill_times(entry, same_entry(current, entry, place), now);
      ++place;
    }
    return;
  }
  if (!wanted.is_object()) return;
  if (wanted.has("type") && wanted.has("status") && wanted.has("reason")) {
    const bool same = current["status"] == wanted["status"] && current.has("lastTransitionTime");
    wanted.set("lastTransitionTime", same ? current["lastTransitionTime"] : Value(now));
    return;
  }
  for (auto& [key, value] : wanted.make_object()) fill_times(value, current[key], now);
}

StatusWriter::StatusWriter(client::Client& client) : client_(client) {}

StatusWriter::~StatusWriter() { stop(); }

void StatusWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void StatusWriter::stop() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void StatusWriter::write(StatusUpdate update) {
  {
    std::lock_guard lock(mutex_);
    Id id{update.kind, update.key};
    if (auto it = waiting_.find(id); it != waiting_.end() && update.warning.empty())
      update.warning = std::move(it->second.warning);
    waiting_.insert_or_assign(std::move(id), std::move(update));
  }
  changed_.notify_one();
}

void StatusWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    auto next = waiting_.extract(waiting_.begin());
    lock.unlock();
    write_one(next.mapped());
    lock.lock();
  }
}

void StatusWriter::write_one(const StatusUpdate& update) {
  auto current = client_.get(*update.kind, update.key.ns, update.key.name);
  if (!current.ok()) return;  // gone: there is no status to write
  if (!update.warning.empty())
    client::record_event(client_, **current, "proa-gateway", "Warning", "NotCarriedOut",
                         update.warning);
  Value wanted = update.status;
  const std::string now = rfc3339(real_clock().wall());
  fill_times(wanted, (**current)["status"], now);
  if (wanted == (**current)["status"] || (is_empty(wanted) && is_empty((**current)["status"])))
    return;
  Value object = json::object({{"apiVersion", update.kind->api_version()},
                               {"kind", update.kind->kind},
                               {"metadata", json::object({{"name", update.key.name}})}});
  if (!update.key.ns.empty()) object.ref("metadata", "namespace") = update.key.ns;
  object.set("status", std::move(wanted));
  auto written = client_.apply(*update.kind, std::move(object),
                               client::ApplyOptions{"proa-gateway", "status", false});
  if (!written.ok() && written.error().code != Code::kNotFound)
    log::warn(
        "gateway", "cannot write a status",
        {{"object", update.key.ns + "/" + update.key.name}, {"cause", written.error().message}});
}

}  // namespace proa::gateway
