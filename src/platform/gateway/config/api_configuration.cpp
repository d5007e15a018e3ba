#include "platform/gateway/config/api_configuration.h"

#include "foundation/obs/log.h"
#include "platform/gateway/config/watched.h"

namespace proa::gateway {

namespace {
constexpr Duration kListenerPause = std::chrono::milliseconds(20);
}  // namespace

ApiConfiguration::ApiConfiguration(ApiConfigurationOptions options, client::Client& client)
    : options_(std::move(options)), client_(client), statuses_(client) {}

ApiConfiguration::~ApiConfiguration() { stop(); }

// Order matters little: a table is built when all that has come is read.
void ApiConfiguration::start(async::Loop& loop, Publish publish) {
  loop_ = &loop;
  publish_ = std::move(publish);
  builder_ = std::make_unique<TableBuilder>(options_.table, loop.clock());
  statuses_.start();
  for (const client::Kind* kind : watched_kinds()) {
    watches_.push_back(client_.watch(*kind, "", [this, kind](const client::Event& event) {
      loop_->post([this, kind, event] { on_event(*kind, event); });
    }));
  }
  schedule_build();
}

void ApiConfiguration::stop() {
  watches_.clear();  // no callback after this
  statuses_.stop();
  if (!loop_) return;
  loop_->post([alive = alive_] { *alive = false; });
}

void ApiConfiguration::on_event(const client::Kind& kind, const client::Event& event) {
  if (!*alive_) return;
  const bool dropped = event.type == client::Event::kDeleted;
  const bool changed =
      dropped ? builder_->drop(kind, *event.object) : builder_->put(kind, *event.object);
  if (changed) schedule_build();
}

// After all events that have come already: a burst of them makes one table.
void ApiConfiguration::schedule_build() {
  if (std::exchange(scheduled_, true)) return;
  loop_->post([this] {
    scheduled_ = false;
    if (*alive_) build();
  });
}

void ApiConfiguration::build() {
  auto table = builder_->build();
  for (const std::string& warning : builder_->take_new_warnings())
    if (warned_.size() < 10000 && warned_.insert(warning).second) log::warn("gateway", warning);
  for (StatusUpdate& update : builder_->take_statuses()) statuses_.write(std::move(update));
  publish_(std::move(table), nullptr);
  if (builder_->listeners_changed()) schedule_listeners();
}

// Behind tables: with many Services there are many, and requests come by the ports there are.
void ApiConfiguration::schedule_listeners() {
  if (std::exchange(listeners_scheduled_, true)) return;
  const auto pause = std::exchange(listeners_published_, true) ? kListenerPause : Duration(0);
  loop_->after(pause, [this, alive = alive_] {
    listeners_scheduled_ = false;
    if (!*alive || !builder_->listeners_changed()) return;
    const Listeners all = builder_->listeners();
    publish_(builder_->build(), &all);
  });
}

void ApiConfiguration::pod_ready(const std::string& pod_uid, bool ready) {
  builder_->pod_ready(pod_uid, ready);
}

void ApiConfiguration::opened(const std::vector<ListenerState>& states) {
  if (builder_->opened(states)) schedule_build();
}

std::vector<std::shared_ptr<Backend>> ApiConfiguration::backends() const {
  return builder_->backends();
}

}  // namespace proa::gateway
